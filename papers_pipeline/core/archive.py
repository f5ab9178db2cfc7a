"""The archive: a calendar of all days by year, month and ISO week, and the way to every topic and the institutions with
most papers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from papers_pipeline.core.catalogue import Catalogue, digest
from papers_pipeline.core.periods import DAY, Span, month_of, week_of
from papers_pipeline.core.render import Renderer
from papers_pipeline.core.shelves import Shelf, institutions_of, topics_of
from papers_pipeline.core.site import Page

if TYPE_CHECKING:
    from papers_pipeline.core.index import Issues

MOST, FEWEST_PAPERS = 100, 3
"""So many institutions are listed, and those alone that have so many papers."""
PATH = "archive.html"


@dataclass(frozen=True)
class CalendarMonth:
    """A month that has papers: its weeks that have any, each with its seven days, from Monday, and how many papers each
    day of the month shows; days of another month count none."""

    span: Span
    weeks: Sequence[tuple[Span, Sequence[tuple[date, int]]]]
    papers: int


@dataclass(frozen=True)
class CalendarYear:
    """The months of a year that have papers, newest first, and how many papers its days show."""

    year: int
    months: Sequence[CalendarMonth]
    papers: int


@dataclass(frozen=True)
class Archive:
    """What the archive shows; ``papers`` counts each paper once, the calendar every day that shows it."""

    papers: int
    years: Sequence[CalendarYear]
    topics: Sequence[Shelf]
    institutions: Sequence[Shelf]


def archive_of(catalogue: Catalogue) -> Archive:
    """The archive of all built days."""
    institutions = [shelf for shelf in institutions_of(catalogue) if len(shelf.cards) >= FEWEST_PAPERS]
    return Archive(len(catalogue.cards), _years(catalogue), topics_of(catalogue), institutions[:MOST])


def archive_pages(renderer: Renderer, catalogue: Catalogue, issues: "Issues") -> Iterator[Page]:
    """The archive in each language."""
    archive = archive_of(catalogue)
    days = [(str(day.date), day.papers) for day in catalogue.days]
    shelves = [(it.path, it.name, len(it.cards)) for it in (*archive.topics, *archive.institutions)]
    made_of = digest([archive.papers, days, shelves])
    for language in renderer.languages:
        yield Page(f"{language}/{PATH}", made_of, partial(_page, renderer, language, archive))


def _page(renderer: Renderer, language: str, archive: Archive) -> bytes:
    return renderer.page("archive.html.j2", language, PATH, archive=archive).encode()


def _years(catalogue: Catalogue) -> Sequence[CalendarYear]:
    papers = {day.date: day.papers for day in reversed(catalogue.days) if day.papers}
    months = [_month(span, papers, list(days)) for span, days in groupby(papers, key=month_of)]
    return [
        CalendarYear(year, found, sum(month.papers for month in found))
        for year, group in groupby(months, key=lambda month: month.span.year)
        if (found := list(group))
    ]


def _month(span: Span, papers: Mapping[date, int], days: Sequence[date]) -> CalendarMonth:
    weeks = [
        (week, [(day, papers.get(day, 0) if day in span else 0) for day in (week.first + n * DAY for n in range(7))])
        for week in sorted({week_of(day) for day in days})
    ]
    return CalendarMonth(span, weeks, sum(papers[day] for day in days))
