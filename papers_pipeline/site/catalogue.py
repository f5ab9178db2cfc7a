"""Every paper of every built day in short: what the pages read that name more than one day."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, cached_property, lru_cache, partial

from pydantic import BaseModel, ConfigDict, ValidationError
from upath import UPath

from papers_pipeline.records import DailyIssue, IssuePaper, IssueText, PaperStatus, TextSource
from papers_pipeline.store import files as storage
from papers_pipeline.store.lake import Lake, decode

_OF_AN_ENTRY = {"title", "authors", "institutions", "institutions_source", "topics"}

KEPT = "catalogue.json"
"""Beside the tables of the lake: every day in short, so that of a thousand days only those that changed are decoded.
It can be deleted at any time."""

READERS = 8
"""Days read at once: a bucket answers slowly, and of a local file's reading Arrow does half beside other threads."""


class Card(BaseModel):
    """A paper of one day in short. ``slogans`` has those that a model wrote, by language, ``written`` when, and
    ``sources`` where the text of each language is from that has one. ``days`` are all that show the paper, and
    ``entries`` are hashes of what a feed of each language shows of it, which votes are not."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    day: date
    arxiv_id: str
    days: list[date] = []
    title: str
    slogans: dict[str, str] = {}
    written: dict[str, datetime] = {}
    sources: dict[str, TextSource] = {}
    institutions: list[str] = []
    topics: list[str] = []
    emoji: str | None = None
    upvotes: int = 0
    listed_at: datetime
    status: PaperStatus = "listed"
    moved_to: date | None = None
    withdrawn_at: datetime | None = None
    entries: dict[str, str] = {}

    @cached_property
    def digest(self) -> str:
        """A hash of all of it: pages that show a card are made again when it changes."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]


@dataclass(frozen=True)
class ReadingCard:
    """The reading task of a day in short; ``slogans`` are its paper's, by language."""

    day: date
    arxiv_id: str
    title: str
    level: int
    slogans: Mapping[str, str]


@dataclass(frozen=True)
class CatalogueDay:
    """A day that was built, and its reading task if there is a text."""

    date: date
    papers: int
    reading: ReadingCard | None = None


class Catalogue:
    """All built days, and every paper once: as the latest day that lists it has it, with the most upvotes of its days.
    One that moved to a day which is not built yet stays at the latest that shows it.

    ``cards`` are in order of listing, the newest day first and inside it by upvotes and id; ``listings`` are the days
    and ids of all that a day lists.
    """

    def __init__(self, days: Sequence[CatalogueDay], cards: Iterable[Card]) -> None:
        cards = list(cards)
        self.days = tuple(sorted(days, key=lambda day: day.date))
        self.listings = [(card.day, card.arxiv_id) for card in cards if card.moved_to is None]
        listed = {card_id for _, card_id in self.listings}
        left = (
            card.model_copy(update={"moved_to": None})
            for card in cards
            if card.arxiv_id not in listed
        )
        shown = once([*(card for card in cards if card.arxiv_id in listed), *left])
        self.cards = tuple(
            sorted(shown, key=lambda it: (-it.day.toordinal(), -it.upvotes, it.arxiv_id))
        )

    @cached_property
    def by_id(self) -> Mapping[str, Card]:
        """The cards by arXiv id."""
        return {card.arxiv_id: card for card in self.cards}

    @cached_property
    def by_topic(self) -> Mapping[str, Sequence[Card]]:
        """The cards of each topic that any has, topics by name."""
        return _grouped((name, card) for card in self.cards for name in card.topics)

    @cached_property
    def by_institution(self) -> Mapping[str, Sequence[Card]]:
        """The cards of each institution, by the institution's `slug`."""
        return _grouped((slug(name), card) for card in self.cards for name in card.institutions)

    @cached_property
    def institutions(self) -> Mapping[str, str]:
        """The name of each institution by its slug: the spelling of its newest paper."""
        names: dict[str, str] = {}
        for card in self.cards:
            for name in card.institutions:
                names.setdefault(slug(name), name)
        return names


class ShortDay(BaseModel):
    """A day's issue in short, read from the file whose bytes have this hash."""

    sha256: str
    day: CatalogueDay
    cards: list[Card]


class ShortDays(BaseModel):
    """What is kept: days by partition, and a hash of this module, which another release does not share."""

    version: str = ""
    days: dict[str, ShortDay] = {}


def read_catalogue(lake: Lake) -> Catalogue:
    """The catalogue of all stored issues: half a second for 10,000 papers of which few days changed since it was last
    read, five seconds when all have. Raises LakeError for a damaged table."""
    kept = _kept(lake)
    partitions = lake.partitions("daily_issue")
    with ThreadPoolExecutor(READERS) as pool:
        days = dict(
            zip(partitions, pool.map(partial(_short_day, lake, kept), partitions), strict=True)
        )
    if {it: day.sha256 for it, day in days.items()} != {it: day.sha256 for it, day in kept.items()}:
        storage.write(
            lake.root / KEPT, ShortDays(version=_version(), days=days).model_dump_json().encode()
        )
    return Catalogue(
        [it.day for it in days.values()], (card for it in days.values() for card in it.cards)
    )


def cards_of(lake: Lake, days: Iterable[date]) -> Iterator[Card]:
    """The cards of these days' stored issues, each as its day has it; a day without one has none."""
    for day in days:
        for issue in lake.read("daily_issue", day.isoformat(), DailyIssue) or ():
            yield from cards_of_issue(issue)


def cards_of_issue(issue: DailyIssue) -> Iterator[Card]:
    """The cards of an issue at hand."""
    return (card_of(issue.date, paper) for paper in issue.papers)


def _kept(lake: Lake) -> dict[str, ShortDay]:
    """The days that were kept; none when another release kept them, or when the file is damaged."""
    data = storage.read(lake.root / KEPT)
    try:
        kept = ShortDays.model_validate_json(data) if data else ShortDays()
    except ValidationError:
        return {}
    return kept.days if kept.version == _version() else {}


@cache
def _version() -> str:
    return storage.sha256(UPath(__file__))


def _short_day(lake: Lake, kept: Mapping[str, ShortDay], partition: str) -> ShortDay:
    data = lake.path("daily_issue", partition).read_bytes()
    sha256, known = hashlib.sha256(data).hexdigest(), kept.get(partition)
    if known and known.sha256 == sha256:
        return known
    (issue,) = (
        row for row in decode(data, "daily_issue", partition) if isinstance(row, DailyIssue)
    )
    return ShortDay(sha256=sha256, day=_day_of(issue), cards=[*cards_of_issue(issue)])


def _day_of(issue: DailyIssue) -> CatalogueDay:
    task = issue.reading_task
    if task is None or task.state != "done" or task.level is None:
        return CatalogueDay(issue.date, len(issue.papers))
    texts = next((paper.summaries for paper in issue.papers if paper.arxiv_id == task.arxiv_id), {})
    reading = ReadingCard(issue.date, task.arxiv_id, task.title, task.level, _slogans(texts))
    return CatalogueDay(issue.date, len(issue.papers), reading)


def card_of(day: date, paper: IssuePaper) -> Card:
    """The card of a paper of a day's issue."""
    texts = paper.summaries.items()
    of_all = paper.model_dump(mode="json", include=_OF_AN_ENTRY)
    return Card(
        **{
            name: getattr(paper, name)
            for name in Card.model_fields.keys() & IssuePaper.model_fields.keys() - {"topics"}
        },
        day=day,
        days=[day],
        topics=paper.topics.names,
        slogans=_slogans(paper.summaries),
        written={language: text.created_at for language, text in texts if text.created_at},
        sources={language: text.source for language, text in texts if text.source},
        entries={
            language: digest([of_all, text.model_dump(mode="json")]) for language, text in texts
        },
    )


def _slogans(texts: Mapping[str, IssueText]) -> dict[str, str]:
    return {language: text.title for language, text in texts.items() if text.title}


@lru_cache(maxsize=65536)
def slug(name: str) -> str:
    """An institution's name as part of a URL: ASCII letters and digits, words joined by hyphens; a name that has none
    is told by a hash. Names that differ in case, accents or punctuation alone share it, or beyond 80 characters."""
    plain = unicodedata.normalize("NFKD", name.casefold()).encode("ascii", "ignore").decode()
    words = re.findall(r"[a-z0-9]+", plain)
    whole = sum(map(str.isalnum, name)) <= 2 * sum(map(len, words))
    return (
        "-".join(words)[:80].strip("-")
        if words and whole
        else hashlib.sha256(name.casefold().encode()).hexdigest()[:12]
    )


def digest(value: object) -> str:
    """A short hash of a plain JSON value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def once(cards: Iterable[Card]) -> Iterable[Card]:
    """Every paper once, as the latest day that lists it has it, with the most upvotes of its days.

    One that moved counts at the day that lists it now; one that is gone unexplained or was withdrawn stays.
    """
    found: dict[str, list[Card]] = {}
    for card in cards:
        found.setdefault(card.arxiv_id, []).append(card)
    for shown in found.values():
        listings = [card for card in shown if card.moved_to is None]
        if len(shown) == 1:
            yield from listings
        elif listings:
            latest = max(listings, key=lambda it: (it.status != "gone", it.day))
            days = sorted(card.day for card in shown)
            yield latest.model_copy(
                update={"upvotes": max(it.upvotes for it in listings), "days": days}
            )


def _grouped(pairs: Iterable[tuple[str, Card]]) -> dict[str, list[Card]]:
    groups: dict[str, list[Card]] = {}
    for key, card in pairs:
        if not groups.setdefault(key, []) or groups[key][-1] is not card:
            groups[key].append(card)
    return dict(sorted(groups.items()))
