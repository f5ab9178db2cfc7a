"""All papers of all built days, in short: the data of every page that spans several days."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from pydantic import BaseModel, ConfigDict, ValidationError
from upath import UPath

from papers_pipeline.base.loaded_once import loaded_once
from papers_pipeline.records import (
    DailyIssue,
    IssuePaper,
    IssueText,
    PaperStatus,
    TextSource,
    by_arxiv_id,
)
from papers_pipeline.site.people import AuthoredPaper, People
from papers_pipeline.site.slugs import slug
from papers_pipeline.store import files as storage
from papers_pipeline.store.damage import opened
from papers_pipeline.store.lake import Lake, decode

CACHE_FILE = "catalogue.json"
"""The catalogue's days as last read, in the lake's folder, so that only changed days are decoded.

It can be deleted at any time.
"""
READERS = 8
"""Days read at once. A bucket answers slowly; for a local file, threads overlap Arrow's work."""
_ENTRY_FIELDS = {
    "arxiv_id",
    "title",
    "authors",
    "institutions",
    "institutions_source",
    "topics",
    "listed_at",
}
_SAME_FIELDS = (
    "arxiv_id",
    "title",
    "institutions",
    "emoji",
    "upvotes",
    "listed_at",
    "status",
    "moved_to",
    "withdrawn_at",
)
"""What a card takes from its paper unchanged."""

_ENCODER = json.JSONEncoder(sort_keys=True)  # `json.dumps` would make one each time


class Card(BaseModel):
    """A paper of one day, in short.

    - `days`: all days that show the paper.
    - `slogans`: the titles that a model wrote, by language; `written` when it wrote them.
    - `sources`: the source of each language's text.
    - `authors`: their names.
    - `entries`: a hash of each language's feed entry. Votes are not part of it.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    day: date
    arxiv_id: str
    days: list[date] = []
    title: str
    slogans: dict[str, str] = {}
    written: dict[str, datetime] = {}
    sources: dict[str, TextSource] = {}
    authors: list[str] = []
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
        """Hash of what pages show of the card, for their fingerprints. None names the authors."""
        shown = self.model_dump_json(exclude={"authors"})
        return hashlib.sha256(shown.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class ReadingCard:
    """A day's reading task, in short. `slogans` are its paper's, by language."""

    day: date
    arxiv_id: str
    title: str
    level: int
    slogans: Mapping[str, str]


@dataclass(frozen=True)
class CatalogueDay:
    """A built day: how many papers it shows, and its reading task if that has a text."""

    date: date
    papers: int
    reading: ReadingCard | None = None


class Catalogue:
    """All built days, and every paper once.

    `cards` has one card per paper, as `one_card_a_paper` chooses it: newest day first, then by
    upvotes, then by id. `listings` pairs each day with the ids that it lists.
    """

    def __init__(self, days: Sequence[CatalogueDay], cards: Iterable[Card]) -> None:
        cards = list(cards)
        self.days = tuple(sorted(days, key=lambda day: day.date))
        self.listings = [(card.day, card.arxiv_id) for card in cards if card.moved_to is None]
        shown = one_card_a_paper(_at_built_days(cards))
        self.cards = tuple(newest_first(shown))

    @cached_property
    def by_id(self) -> Mapping[str, Card]:
        """The cards by arXiv id."""
        return by_arxiv_id(self.cards)

    @cached_property
    def by_topic(self) -> Mapping[str, Sequence[Card]]:
        """The cards of each topic, topics in alphabetical order."""
        return _grouped((card, card.topics) for card in self.cards)

    @cached_property
    def by_institution(self) -> Mapping[str, Sequence[Card]]:
        """The cards of each institution, by the institution's `slug`."""
        return _grouped((card, map(slug, card.institutions)) for card in self.cards)

    @cached_property
    def institutions(self) -> Mapping[str, str]:
        """The name of each institution by its slug, as its newest paper spells it."""
        return _newest_names(card.institutions for card in self.cards)

    @cached_property
    def people(self) -> People:
        """The authors with two papers or more."""
        oldest_first = sorted(self.cards, key=_first_day)
        return People(AuthoredPaper(card.arxiv_id, card.authors) for card in oldest_first)


def papers_of_each(cards: Iterable[Card], keys: Callable[[Card], Iterable[str]]) -> Counter[str]:
    """How many of the papers have each key, such as a topic."""
    counts: Counter[str] = Counter()
    for card in cards:
        counts.update(set(keys(card)))
    return counts


class CachedDay(BaseModel):
    """A day's issue in short, and the hash of the file that it was read from."""

    sha256: str
    day: CatalogueDay
    cards: list[Card]


class CatalogueCache(BaseModel):
    """The content of `catalogue.json`: days by partition, and the version of this module."""

    version: str = ""
    days: dict[str, CachedDay] = {}


def read_catalogue(lake: Lake, *, remember: bool = True) -> Catalogue:
    """The catalogue of all stored issues, which `remember` keeps for the next time.

    Raises NewerFormat.
    For 10,000 papers it takes half a second if few days changed since the last time, else up to
    five seconds.
    """
    cached = _cached_days(lake)

    def read_day(partition: str) -> CachedDay | None:
        return _read_day(lake, partition, cached.get(partition))

    partitions = lake.partitions("daily_issue")
    with ThreadPoolExecutor(READERS) as pool:
        found = dict(zip(partitions, pool.map(read_day, partitions), strict=True))
    days = {partition: day for partition, day in found.items() if day is not None}
    if remember and _hashes(days) != _hashes(cached):
        cache_of_now = CatalogueCache(version=_version(), days=days)
        storage.write(lake.root / CACHE_FILE, cache_of_now.model_dump_json().encode())
    cards: list[Card] = []
    for day in days.values():
        cards += day.cards
    return Catalogue([day.day for day in days.values()], cards)


def cards_of(lake: Lake, days: Iterable[date]) -> Iterator[Card]:
    """The cards of the stored issues of these days; a day without an issue has none."""
    for day in days:
        for issue in lake.read("daily_issue", day.isoformat(), DailyIssue) or ():
            yield from cards_of_issue(issue)


def cards_of_issue(issue: DailyIssue) -> list[Card]:
    """The cards of one issue."""
    return [card_of(issue.date, paper) for paper in issue.papers]


def card_of(day: date, paper: IssuePaper) -> Card:
    """The card of a paper in a day's issue."""
    same = {name: getattr(paper, name) for name in _SAME_FIELDS}
    every_entry = paper.model_dump(mode="json", include=_ENTRY_FIELDS)
    written: dict[str, datetime] = {}
    sources: dict[str, TextSource] = {}
    entries: dict[str, str] = {}
    for language, text in paper.summaries.items():
        if text.created_at:
            written[language] = text.created_at
        if text.source:
            sources[language] = text.source
        entries[language] = digest([every_entry, text.model_dump(mode="json")])
    return Card(
        **same,
        day=day,
        days=[day],
        authors=[author.name for author in paper.authors],
        topics=paper.topics.names,
        slogans=_slogans(paper.summaries),
        written=written,
        sources=sources,
        entries=entries,
    )


def digest(value: object) -> str:
    """A short hash of a plain JSON value."""
    return hashlib.sha256(_ENCODER.encode(value).encode()).hexdigest()[:16]


def one_card_a_paper(cards: Iterable[Card]) -> Iterator[Card]:
    """Each paper's card of the latest day that lists it, with the most upvotes of its days.

    A paper that moved counts on the day that lists it now. One that disappeared or was withdrawn
    stays.
    """
    cards_by_id: dict[str, list[Card]] = {}
    for card in cards:
        cards_by_id.setdefault(card.arxiv_id, []).append(card)
    for shown in cards_by_id.values():
        listings = [card for card in shown if card.moved_to is None]
        if not listings:
            continue
        if len(shown) == 1:  # the usual case, without a copy
            yield shown[0]
            continue
        latest = max(listings, key=lambda card: (card.status != "gone", card.day))
        upvotes = max(card.upvotes for card in listings)
        days = sorted(card.day for card in shown)
        yield latest.model_copy(update={"upvotes": upvotes, "days": days})


def _at_built_days(cards: Sequence[Card]) -> Iterator[Card]:
    """The cards. A paper that moved to a day not yet built still counts on its old day."""
    listed = {card.arxiv_id for card in cards if card.moved_to is None}
    for card in cards:
        yield card if card.arxiv_id in listed else card.model_copy(update={"moved_to": None})


def _first_day(card: Card) -> tuple[date, str]:
    return min(card.days, default=card.day), card.arxiv_id


def newest_first(cards: Iterable[Card]) -> list[Card]:
    """The cards by day, newest first, then by upvotes, then by id."""
    return sorted(cards, key=_day_and_votes)


def _day_and_votes(card: Card) -> tuple[int, int, str]:
    return -card.day.toordinal(), -card.upvotes, card.arxiv_id


def _cached_days(lake: Lake) -> Mapping[str, CachedDay]:
    """The cached days; none if another release wrote them or the file is damaged."""
    data = storage.read(lake.root / CACHE_FILE)
    if data is None:
        return {}
    try:
        cached = CatalogueCache.model_validate_json(data)
    except ValidationError:
        return {}
    return cached.days if cached.version == _version() else {}


@loaded_once
def _version() -> str:
    return storage.sha256(UPath(__file__))


def _hashes(days: Mapping[str, CachedDay]) -> dict[str, str]:
    return {partition: day.sha256 for partition, day in days.items()}


def _read_day(lake: Lake, partition: str, cached: CachedDay | None) -> CachedDay | None:
    """The day of a stored issue; None if its table is damaged."""

    def read(data: bytes) -> CachedDay:
        sha256 = hashlib.sha256(data).hexdigest()
        if cached and cached.sha256 == sha256:
            return cached
        (issue,) = decode(data)
        assert isinstance(issue, DailyIssue)
        return CachedDay(sha256=sha256, day=_day_of(issue), cards=cards_of_issue(issue))

    return opened(lake.path("daily_issue", partition), read)


def _day_of(issue: DailyIssue) -> CatalogueDay:
    task = issue.reading_task
    if task is None or task.state != "done" or task.level is None:
        return CatalogueDay(issue.date, len(issue.papers))
    slogans: dict[str, str] = {}
    for paper in issue.papers:
        if paper.arxiv_id == task.arxiv_id:
            slogans = _slogans(paper.summaries)
    reading = ReadingCard(issue.date, task.arxiv_id, task.title, task.level, slogans)
    return CatalogueDay(issue.date, len(issue.papers), reading)


def _slogans(texts: Mapping[str, IssueText]) -> dict[str, str]:
    return {language: text.title for language, text in texts.items() if text.title}


def _grouped(keys_of_cards: Iterable[tuple[Card, Iterable[str]]]) -> dict[str, Sequence[Card]]:
    """The cards of each key, keys in alphabetical order."""
    groups: dict[str, list[Card]] = {}
    for card, keys in keys_of_cards:
        for key in keys:
            cards = groups.setdefault(key, [])
            # Two names of a paper can have the same slug.
            if not cards or cards[-1] is not card:
                cards.append(card)
    return dict(sorted(groups.items()))


def _newest_names(names_of_cards: Iterable[Iterable[str]]) -> dict[str, str]:
    """The first name of each slug: that of the newest paper, if cards come newest first."""
    newest: dict[str, str] = {}
    for names in names_of_cards:
        for name in names:
            newest.setdefault(slug(name), name)
    return newest
