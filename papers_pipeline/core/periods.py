"""Months and weeks: a calendar month or an ISO week, and the issues of its days joined into one list of papers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from papers_pipeline.core.lake import Lake, rows_of
from papers_pipeline.core.storage import read
from papers_pipeline.records import DailyIssue, IssuePaper, PeriodFile

SpanKind = Literal["month", "week"]
PAGES: Mapping[SpanKind, str] = {"month": "monthly_pages", "week": "weekly_pages"}
"""The asset that writes the pages of each kind."""
DAY = timedelta(days=1)


@dataclass(frozen=True, order=True)
class Span:
    """A calendar month or an ISO week, Monday to Sunday, by its first day."""

    kind: SpanKind
    first: date

    @property
    def last(self) -> date:
        """The last day of the month, or the Sunday of the week."""
        if self.kind == "week":
            return self.first + 6 * DAY
        return (self.first + 31 * DAY).replace(day=1) - DAY

    @property
    def week(self) -> int:
        """The ISO number of the week that begins with the first day."""
        return self.first.isocalendar().week

    @property
    def year(self) -> int:
        """The year of the month; of a week its ISO year, so that the week of 1 January 2027 is of 2026."""
        return self.first.isocalendar().year if self.kind == "week" else self.first.year

    @property
    def path(self) -> str:
        """Where its page lies below `<lang>/`: `m/2026-03.html`, `w/2026-W10.html`."""
        if self.kind == "week":
            return f"w/{self.year}-W{self.week:02}.html"
        return f"m/{self.first:%Y-%m}.html"


def month_of(day: date) -> Span:
    """The calendar month of a day."""
    return Span("month", day.replace(day=1))


def week_of(day: date) -> Span:
    """The ISO week of a day."""
    return Span("week", day - day.weekday() * DAY)


def span_of(kind: SpanKind, day: date) -> Span:
    """The month or the week of a day."""
    return month_of(day) if kind == "month" else week_of(day)


@dataclass(frozen=True)
class Neighbours:
    """The months or weeks before and after one that have papers."""

    previous: Span | None = None
    next: Span | None = None


@dataclass(frozen=True)
class PeriodDay:
    """A day that was built, and how many papers its page shows."""

    date: date
    papers: int


@dataclass(frozen=True)
class PeriodPaper:
    """A paper as the latest day that lists it has it; ``day`` is that day, ``upvotes`` the most of all its days."""

    day: date
    upvotes: int
    paper: IssuePaper


@dataclass(frozen=True)
class Period:
    """A month or week as its page shows it: the days that were built, in order, every paper once, by upvotes and then
    by id, and the neighbours that have papers. ``is_open`` says that days of it are still to come or not over."""

    span: Span
    is_open: bool
    days: Sequence[PeriodDay]
    papers: Sequence[PeriodPaper]
    neighbours: Neighbours = Neighbours()

    @property
    def days_with_papers(self) -> Sequence[PeriodDay]:
        """The days whose page has something to read."""
        return [day for day in self.days if day.papers]

    @property
    def weeks(self) -> Sequence[tuple[Span, Sequence[PeriodDay]]]:
        """The days with papers by their weeks."""
        weeks: dict[Span, list[PeriodDay]] = {}
        for day in self.days_with_papers:
            weeks.setdefault(week_of(day.date), []).append(day)
        return list(weeks.items())

    @property
    def months(self) -> Sequence[Span]:
        """The months of the days that were built."""
        return sorted({month_of(day.date) for day in self.days})


def period_of(span: Span, issues: Iterable[DailyIssue], today: date, neighbours: Neighbours = Neighbours()) -> Period:
    """The month or week that these issues of its days make; days of it without an issue were not built.

    A paper that moved counts at the day that lists it now, in whatever month that is. One that is gone unexplained or
    was withdrawn stays.
    """
    issues = sorted(issues, key=lambda issue: issue.date)
    found: dict[str, list[tuple[date, IssuePaper]]] = {}
    for issue in issues:
        for paper in issue.papers:
            if paper.moved_to is None:
                found.setdefault(paper.id, []).append((issue.date, paper))
    return Period(
        span=span,
        is_open=today <= span.last,
        days=tuple(PeriodDay(issue.date, len(issue.papers)) for issue in issues),
        papers=tuple(sorted(map(_latest, found.values()), key=lambda it: (-it.upvotes, it.paper.id))),
        neighbours=neighbours,
    )


def _latest(listings: Sequence[tuple[date, IssuePaper]]) -> PeriodPaper:
    # A day that the paper is gone from does not list it, unless no other does.
    day, paper = max(listings, key=lambda it: (it[1].status != "gone", it[0]))
    return PeriodPaper(day, max(paper.upvotes for _, paper in listings), paper)


def neighbours_of(lake: Lake, span: Span) -> Neighbours:
    """The nearest month or week before ``span``, and after it, of which a day with papers was built."""
    days = [date.fromisoformat(partition) for partition in lake.partitions("daily_issue")]
    before = (day for day in reversed(days) if day < span.first and _has_papers(lake, day))
    after = (day for day in days if day > span.last and _has_papers(lake, day))
    return _beside(span.kind, next(before, None), next(after, None))


def _has_papers(lake: Lake, day: date) -> bool:
    data = read(lake.path("daily_issue", day.isoformat()))
    return data is not None and any(row["counts"]["papers"] for row in rows_of(data, ["counts"]))


def _beside(kind: SpanKind, before: date | None, after: date | None) -> Neighbours:
    return Neighbours(span_of(kind, before) if before else None, span_of(kind, after) if after else None)


def touched(lake: Lake, kind: SpanKind, days: Iterable[date]) -> list[Span]:
    """The months or weeks whose pages want to be written after ``days`` were built: those of the days, and around them
    those whose stored pages do not lead to their neighbours as they are now."""
    spans = list(dict.fromkeys(span_of(kind, day) for day in days))
    for span in spans:  # grows while it is read: a page that was never written has neighbours too
        beside = neighbours_of(lake, span)
        for other in (beside.previous, beside.next):
            if other and other not in spans and _stored_neighbours(lake, other) != neighbours_of(lake, other):
                spans.append(other)
    return sorted(spans)


def _stored_neighbours(lake: Lake, span: Span) -> Neighbours | None:
    files = lake.read(PAGES[span.kind], span.first.isoformat(), PeriodFile)
    return _beside(span.kind, files[0].previous, files[0].next) if files else None
