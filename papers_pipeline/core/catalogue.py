"""Every paper of every built day in short: what the pages read that name more than one day."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property, lru_cache
from typing import Any

from pydantic import BaseModel, ConfigDict

from papers_pipeline.core.lake import Lake, rows_of
from papers_pipeline.core.storage import read
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
        return digest(self.model_dump(mode="json"))


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


def read_catalogue(lake: Lake) -> Catalogue:
    """The catalogue of all stored issues: a second for 10,000 papers."""
    days, cards = [], []
    for row in _short(lake, lake.partitions("daily_issue")):
        cards_of_day = [_card(row["date"], paper) for paper in row["papers"]]
        reading = _reading(row["date"], row.get("reading_task"), cards_of_day)
        days.append(CatalogueDay(row["date"], row["state"], len(row["papers"]), reading))
        cards += cards_of_day
    return Catalogue(days, cards)


def cards_of(lake: Lake, days: Iterable[date]) -> Iterator[Card]:
    """The cards of these days' stored issues, each as its day has it."""
    for row in _short(lake, map(date.isoformat, days)):
        yield from (_card(row["date"], paper) for paper in row["papers"])


def cards_of_issue(issue: DailyIssue) -> Iterator[Card]:
    """The cards of an issue at hand."""
    return (card_of(issue.date, paper) for paper in issue.papers)


def _short(lake: Lake, partitions: Iterable[str]) -> Iterator[dict[str, Any]]:
    def rows(partition: str) -> list[dict[str, Any]]:
        data = read(lake.path("daily_issue", partition))
        return list(rows_of(data, COLUMNS)) if data else []

    with ThreadPoolExecutor(READERS) as pool:
        for found in pool.map(rows, partitions):
            yield from found


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
