"""The archive: a calendar of all days, every topic, and the institutions with most papers."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import groupby

from papers_pipeline.site.catalogue import Catalogue, digest
from papers_pipeline.site.issue_reader import IssueReader
from papers_pipeline.site.page import Page
from papers_pipeline.site.parts.collections import Collection, institutions_of, topics_of
from papers_pipeline.site.periods import DAY, Span, month_of, week_of
from papers_pipeline.site.render import Renderer

MOST_INSTITUTIONS = 100
FEWEST_PAPERS = 3
"""Institutions with fewer papers are left out, unless all have fewer."""
PATH = "archive.html"


@dataclass(frozen=True)
class CalendarWeek:
    """A week of a calendar month: its seven days, from Monday, and how many papers each shows.

    Days of other months show none.
    """

    span: Span
    days: Sequence[tuple[date, int]]


@dataclass(frozen=True)
class CalendarMonth:
    """A month with papers, and its weeks with papers. `papers` counts each paper once."""

    span: Span
    weeks: Sequence[CalendarWeek]
    papers: int


@dataclass(frozen=True)
class CalendarYear:
    """The months of a year with papers, newest first. `papers` counts each paper once."""

    year: int
    months: Sequence[CalendarMonth]
    papers: int


@dataclass(frozen=True)
class Archive:
    """The data of the archive page. `papers` counts each paper once."""

    papers: int
    years: Sequence[CalendarYear]
    topics: Sequence[Collection]
    institutions: Sequence[Collection]


def archive_pages(renderer: Renderer, catalogue: Catalogue, issues: IssueReader) -> Iterator[Page]:
    """The archive in each language."""
    archive = archive_of(catalogue)
    fingerprint = _fingerprint(archive, catalogue)
    for language in renderer.languages:
        make = partial(renderer.page, "archive.html.j2", language, PATH, archive=archive)
        yield Page(f"{language}/{PATH}", fingerprint, make)


def archive_of(catalogue: Catalogue) -> Archive:
    """The archive of all built days."""
    institutions = institutions_of(catalogue)
    large = [institution for institution in institutions if len(institution.cards) >= FEWEST_PAPERS]
    return Archive(
        papers=len(catalogue.cards),
        years=_years(catalogue),
        topics=topics_of(catalogue),
        institutions=(large or institutions)[:MOST_INSTITUTIONS],
    )


def _fingerprint(archive: Archive, catalogue: Catalogue) -> str:
    days = [(str(day.date), day.papers) for day in catalogue.days]
    counts = []
    for year in archive.years:
        counts.append((year.papers, [month.papers for month in year.months]))
    collections = []
    for collection in (*archive.topics, *archive.institutions):
        collections.append((collection.path, collection.name, len(collection.cards)))
    return digest([archive.papers, days, counts, collections])


def _years(catalogue: Catalogue) -> Sequence[CalendarYear]:
    ids_of_month: dict[Span, set[str]] = defaultdict(set)
    ids_of_year: dict[int, set[str]] = defaultdict(set)
    for day, arxiv_id in catalogue.listings:
        ids_of_month[month_of(day)].add(arxiv_id)
        ids_of_year[day.year].add(arxiv_id)
    papers_of_day = {day.date: day.papers for day in reversed(catalogue.days) if day.papers}
    months = []
    for month, days in groupby(papers_of_day, key=month_of):
        weeks = _weeks(month, days, papers_of_day)
        months.append(CalendarMonth(month, weeks, len(ids_of_month[month])))
    years = []
    for year, months_of_year in groupby(months, key=lambda month: month.span.year):
        years.append(CalendarYear(year, list(months_of_year), len(ids_of_year[year])))
    return years


def _weeks(
    month: Span, days_with_papers: Iterable[date], papers_of_day: Mapping[date, int]
) -> Sequence[CalendarWeek]:
    weeks = []
    for week in sorted({week_of(day) for day in days_with_papers}):
        days = []
        for number in range(7):
            day = week.first + number * DAY
            papers = papers_of_day.get(day, 0) if day in month else 0
            days.append((day, papers))
        weeks.append(CalendarWeek(week, days))
    return weeks
