"""The archive: a calendar of all days by year, month and ISO week, and the way to every topic and the institutions with
most papers."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from papers_pipeline.site.catalogue import Catalogue, digest
from papers_pipeline.site.page import Page
from papers_pipeline.site.parts.collections import Shelf, institutions_of, topics_of
from papers_pipeline.site.periods import DAY, Span, month_of, week_of
from papers_pipeline.site.render import Renderer

if TYPE_CHECKING:
    from papers_pipeline.site.issue_reader import Issues

MOST, FEWEST_PAPERS = 100, 3
"""So many institutions are listed, and those alone that have so many papers, once there are any."""
PATH = "archive.html"


@dataclass(frozen=True)
class CalendarMonth:
    """A month that has papers: its weeks that have any, each with its seven days, from Monday, and how many papers each
    day of the month shows; days of another month count none. ``papers`` counts each paper once, as the month's page."""

    span: Span
    weeks: Sequence[tuple[Span, Sequence[tuple[date, int]]]]
    papers: int


@dataclass(frozen=True)
class CalendarYear:
    """The months of a year that have papers, newest first, and how many papers the year has."""

    year: int
    months: Sequence[CalendarMonth]
    papers: int


@dataclass(frozen=True)
class Archive:
    """What the archive shows. ``papers`` counts each paper once, as every month and year does; a day of the calendar
    has all that its page shows."""

    papers: int
    years: Sequence[CalendarYear]
    topics: Sequence[Shelf]
    institutions: Sequence[Shelf]


def archive_of(catalogue: Catalogue) -> Archive:
    """The archive of all built days."""
    institutions = institutions_of(catalogue)
    institutions = [
        shelf for shelf in institutions if len(shelf.cards) >= FEWEST_PAPERS
    ] or institutions
    return Archive(
        len(catalogue.cards), _years(catalogue), topics_of(catalogue), institutions[:MOST]
    )


def archive_pages(renderer: Renderer, catalogue: Catalogue, issues: "Issues") -> Iterator[Page]:
    """The archive in each language."""
    archive = archive_of(catalogue)
    days = [(str(day.date), day.papers) for day in catalogue.days]
    counts = [(year.papers, [it.papers for it in year.months]) for year in archive.years]
    shelves = [(it.path, it.name, len(it.cards)) for it in (*archive.topics, *archive.institutions)]
    fingerprint = digest([archive.papers, days, counts, shelves])
    for language in renderer.languages:
        yield Page(f"{language}/{PATH}", fingerprint, partial(_page, renderer, language, archive))


def _page(renderer: Renderer, language: str, archive: Archive) -> bytes:
    return renderer.page("archive.html.j2", language, PATH, archive=archive).encode()


def _years(catalogue: Catalogue) -> Sequence[CalendarYear]:
    shown = {day.date: day.papers for day in reversed(catalogue.days) if day.papers}
    papers = Counter(
        month for month, _ in {(month_of(day), card_id) for day, card_id in catalogue.listings}
    )
    of_year = Counter(
        year for year, _ in {(day.year, card_id) for day, card_id in catalogue.listings}
    )
    months = [
        CalendarMonth(it, _weeks(it, shown, days), papers[it])
        for it, days in groupby(shown, key=month_of)
    ]
    return [
        CalendarYear(year, found, of_year[year])
        for year, group in groupby(months, key=lambda month: month.span.year)
        if (found := list(group))
    ]


def _weeks(
    month: Span, shown: Mapping[date, int], days: Iterable[date]
) -> Sequence[tuple[Span, Sequence[tuple[date, int]]]]:
    return [
        (
            week,
            [
                (day, shown.get(day, 0) if day in month else 0)
                for day in (week.first + n * DAY for n in range(7))
            ],
        )
        for week in sorted({week_of(day) for day in days})
    ]
