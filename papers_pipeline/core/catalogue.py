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
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from upath import UPath

from papers_pipeline.core import storage
from papers_pipeline.core.lake import Lake, rows_of
from papers_pipeline.records import DailyIssue, DayState, IssuePaper, PaperStatus, TextSource

_OF_PAPERS = (
    "id",
    "title",
    "affiliations.list.element",
    "topics.names.list.element",
    "emoji",
    "upvotes",
    "published_at",
    "listed_at",
    "status",
    "moved_to",
    "withdrawn_at",
    "summaries.key_value.key",
    "summaries.key_value.value.source",
    "summaries.key_value.value.title",
    "summaries.key_value.value.created_at",
)
_OF_READING = ("id", "title", "state", "level")
COLUMNS = (
    "date",
    "state",
    *(f"reading_task.{column}" for column in _OF_READING),
    *(f"papers.list.element.{column}" for column in _OF_PAPERS),
)
"""The part of an issue that a card is made of: reading all of it takes four times as long."""

KEPT = "catalogue.json"
"""Beside the tables of the lake: every day in short, so that of a thousand days only those that changed are decoded.
It can be deleted at any time."""

READERS = 8
"""Days read at once: a bucket answers slowly, and of a local file's reading Arrow does half beside other threads."""


class Card(BaseModel):
    """A paper of one day in short. ``slogans`` has those that a model wrote, by language, ``written`` when, and
    ``sources`` where the text of each language is from that has one; ``days`` are all that show the paper."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    day: date
    id: str
    days: list[date] = []
    title: str
    slogans: dict[str, str] = {}
    written: dict[str, datetime] = {}
    sources: dict[str, TextSource] = {}
    affiliations: list[str] = []
    topics: list[str] = []
    emoji: str | None = None
    upvotes: int = 0
    published_at: datetime | None = None
    listed_at: datetime
    status: PaperStatus = "listed"
    moved_to: date | None = None
    withdrawn_at: datetime | None = None

    @cached_property
    def digest(self) -> str:
        """A hash of all of it: pages that show a card are made again when it changes."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]


@dataclass(frozen=True)
class ReadingCard:
    """The reading task of a day in short; ``slogans`` are its paper's, by language."""

    day: date
    id: str
    title: str
    level: int
    slogans: Mapping[str, str]


@dataclass(frozen=True)
class CatalogueDay:
    """A day that was built, and its reading task if there is a text."""

    date: date
    state: DayState
    papers: int
    reading: ReadingCard | None = None


class Catalogue:
    """All built days, and every paper once: as the latest day that lists it has it, with the most upvotes of its days.

    ``cards`` are in order of listing, the newest day first and inside it by upvotes and id.
    """

    def __init__(self, days: Sequence[CatalogueDay], cards: Iterable[Card]) -> None:
        self.days = tuple(sorted(days, key=lambda day: day.date))
        self.cards = tuple(sorted(once(cards), key=lambda it: (-it.day.toordinal(), -it.upvotes, it.id)))

    @cached_property
    def by_id(self) -> Mapping[str, Card]:
        """The cards by arXiv id."""
        return {card.id: card for card in self.cards}

    @cached_property
    def by_topic(self) -> Mapping[str, Sequence[Card]]:
        """The cards of each topic that any has, topics by name."""
        return _grouped((name, card) for card in self.cards for name in card.topics)

    @cached_property
    def by_institution(self) -> Mapping[str, Sequence[Card]]:
        """The cards of each institution, by the institution's `slug`."""
        return _grouped((slug(name), card) for card in self.cards for name in card.affiliations)

    @cached_property
    def institutions(self) -> Mapping[str, str]:
        """The name of each institution by its slug: the spelling of its newest paper."""
        names: dict[str, str] = {}
        for card in self.cards:
            for name in card.affiliations:
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
    read, a second and a half otherwise."""
    kept = _kept(lake)
    partitions = lake.partitions("daily_issue")
    with ThreadPoolExecutor(READERS) as pool:
        days = dict(zip(partitions, pool.map(partial(_short_day, lake, kept), partitions), strict=True))
    if {it: day.sha256 for it, day in days.items()} != {it: day.sha256 for it, day in kept.items()}:
        storage.write(lake.root / KEPT, ShortDays(version=_version(), days=days).model_dump_json().encode())
    return Catalogue([it.day for it in days.values()], (card for it in days.values() for card in it.cards))


def cards_of(lake: Lake, days: Iterable[date]) -> Iterator[Card]:
    """The cards of these days' stored issues, each as its day has it; a day without one has none."""
    for day in days:
        data = storage.read(lake.path("daily_issue", day.isoformat()))
        yield from _short(data).cards if data else ()


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
    known = kept.get(partition)
    return known if known and known.sha256 == hashlib.sha256(data).hexdigest() else _short(data)


def _short(data: bytes) -> ShortDay:
    """The issue of a table's bytes in short."""
    (row,) = rows_of(data, COLUMNS)
    cards = [_card(row["date"], paper) for paper in row["papers"]]
    day = CatalogueDay(row["date"], row["state"], len(cards), _reading(row["date"], row.get("reading_task"), cards))
    return ShortDay(sha256=hashlib.sha256(data).hexdigest(), day=day, cards=cards)


def card_of(day: date, paper: IssuePaper) -> Card:
    """The card of a paper of a day's whole issue."""
    fields = paper.model_dump(include=Card.model_fields.keys() | {"summaries"})
    return _card(day, fields | {"topics": {"names": paper.topics.names}})


def _card(day: date, paper: dict[str, Any]) -> Card:
    texts = dict(paper["summaries"])

    def of_texts(field: str) -> dict[str, Any]:
        return {language: text[field] for language, text in texts.items() if text[field]}

    return Card.model_validate(
        paper
        | {
            "day": day,
            "days": [day],
            "topics": paper["topics"]["names"],
            "slogans": of_texts("title"),
            "written": of_texts("created_at"),
            "sources": of_texts("source"),
        }
    )


def _reading(day: date, task: dict[str, Any] | None, cards: Sequence[Card]) -> ReadingCard | None:
    """The card of a day's task; a day that was stored before there were tasks has none."""
    if not task or task["state"] != "done":
        return None
    slogans = next((card.slogans for card in cards if card.id == task["id"]), {})
    return ReadingCard(day, task["id"], task["title"], task["level"], slogans)


@lru_cache(maxsize=65536)
def slug(name: str) -> str:
    """An institution's name as part of a URL: ASCII letters and digits, words joined by hyphens; a name that has none
    is told by a hash. Names that differ in case, accents or punctuation alone share it."""
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
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]


def once(cards: Iterable[Card]) -> Iterable[Card]:
    """Every paper once, as the latest day that lists it has it, with the most upvotes of its days.

    One that moved counts at the day that lists it now; one that is gone unexplained or was withdrawn stays.
    """
    found: dict[str, list[Card]] = {}
    for card in cards:
        found.setdefault(card.id, []).append(card)
    for shown in found.values():
        listings = [card for card in shown if card.moved_to is None]
        if len(shown) == 1:
            yield from listings
        elif listings:
            latest = max(listings, key=lambda it: (it.status != "gone", it.day))
            days = sorted(card.day for card in shown)
            yield latest.model_copy(update={"upvotes": max(it.upvotes for it in listings), "days": days})


def _grouped(pairs: Iterable[tuple[str, Card]]) -> dict[str, list[Card]]:
    groups: dict[str, list[Card]] = {}
    for key, card in pairs:
        if not groups.setdefault(key, []) or groups[key][-1] is not card:
            groups[key].append(card)
    return dict(sorted(groups.items()))
