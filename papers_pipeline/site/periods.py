"""Months and weeks: the issues of a calendar month or ISO week joined into one list of papers."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from papers_pipeline.records import DailyIssue, PeriodFile
from papers_pipeline.site.catalogue import Card, cards_of_issue, one_card_a_paper
from papers_pipeline.store.lake import Lake

SpanKind = Literal["month", "week"]
PAGES: Mapping[SpanKind, str] = {"month": "monthly_pages", "week": "weekly_pages"}
"""The asset that writes the pages of each kind."""
DAY = timedelta(days=1)


@dataclass(frozen=True, order=True)
class Span:
    """A calendar month, or an ISO week (Monday to Sunday), by its first day."""

    kind: SpanKind
    first: date

    @property
    def last(self) -> date:
        """The last day of the month, or the Sunday of the week."""
        if self.kind == "week":
            return self.first + 6 * DAY
        return (self.first + 31 * DAY).replace(day=1) - DAY

    def __contains__(self, day: date) -> bool:
        """Whether the day is in the month or week."""
        return self.first <= day <= self.last

    @property
    def week(self) -> int:
        """The ISO number of the week that the first day is in."""
        return self.first.isocalendar().week

    @property
    def year(self) -> int:
        """The year of the month, or the week's ISO year: 1 January 2027 is in a week of 2026."""
        return self.first.isocalendar().year if self.kind == "week" else self.first.year

    @property
    def path(self) -> str:
        """Its page's path below `<lang>/`: `m/2026-03.html`, `w/2026-W10.html`."""
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
    """The nearest months or weeks with papers, before and after one."""

    previous: Span | None = None
    next: Span | None = None


@dataclass(frozen=True)
class PeriodDay:
    """A built day and how many papers its page shows."""

    date: date
    papers: int


@dataclass(frozen=True)
class Period:
    """A month or week as its page shows it.

    `days` are those that were built, in order. `papers` has every paper once, by upvotes and
    then by id. `is_open` if the last day is not over.
    """

    span: Span
    is_open: bool
    days: Sequence[PeriodDay]
    papers: Sequence[Card]
    neighbours: Neighbours = Neighbours()

    @property
    def days_with_papers(self) -> Sequence[PeriodDay]:
        """The days whose page shows a paper."""
        return [day for day in self.days if day.papers]

    @property
    def weeks(self) -> Sequence[tuple[Span, Sequence[PeriodDay]]]:
        """The days with papers by week."""
        weeks: dict[Span, list[PeriodDay]] = {}
        for day in self.days_with_papers:
            weeks.setdefault(week_of(day.date), []).append(day)
        return list(weeks.items())

    @property
    def months(self) -> Sequence[Span]:
        """The months that the built days are in."""
        return sorted({month_of(day.date) for day in self.days})


def period_of(
    span: Span, issues: Iterable[DailyIssue], today: date, neighbours: Neighbours = Neighbours()
) -> Period:
    """The month or week with the issues of its built days.

    A paper that moved counts on the day that lists it now, even in another month.
    """
    days: list[PeriodDay] = []
    cards: list[Card] = []
    for issue in sorted(issues, key=lambda issue: issue.date):
        days.append(PeriodDay(issue.date, len(issue.papers)))
        cards += cards_of_issue(issue)
    papers = sorted(one_card_a_paper(cards), key=lambda card: (-card.upvotes, card.arxiv_id))
    return Period(
        span=span,
        is_open=today <= span.last,
        days=tuple(days),
        papers=tuple(papers),
        neighbours=neighbours,
    )


def neighbours_of(lake: Lake, span: Span) -> Neighbours:
    """The nearest months or weeks before and after `span` with a built day that has papers."""
    earlier, later = [], []
    for partition in lake.partitions("daily_issue"):
        day = date.fromisoformat(partition)
        if day < span.first:
            earlier.append(day)
        elif day > span.last:
            later.append(day)
    before = _first_with_papers(lake, reversed(earlier))
    after = _first_with_papers(lake, later)
    return _neighbours(span.kind, before, after)


def affected_periods(lake: Lake, kind: SpanKind, days: Iterable[date], today: date) -> list[Span]:
    """The months or weeks whose pages are out of date after `days` were built.

    These are the periods of the days, and those that have ended although their stored pages say
    otherwise. Periods whose stored pages link to a wrong neighbour are added around all of them.
    """
    spans = {span_of(kind, day) for day in days}
    spans.update(_left_open(lake, kind, today))
    unchecked = list(spans)
    while unchecked:  # a page that was never written has neighbours too
        neighbours = neighbours_of(lake, unchecked.pop())
        for neighbour in (neighbours.previous, neighbours.next):
            if neighbour and neighbour not in spans and _links_wrong(lake, neighbour):
                spans.add(neighbour)
                unchecked.append(neighbour)
    return sorted(spans)


def _neighbours(kind: SpanKind, before: date | None, after: date | None) -> Neighbours:
    previous = span_of(kind, before) if before else None
    following = span_of(kind, after) if after else None
    return Neighbours(previous, following)


def _first_with_papers(lake: Lake, days: Iterable[date]) -> date | None:
    for day in days:
        table = lake.columns("daily_issue", str(day), ["counts"])
        if table is None:
            continue
        for row in table.to_pylist():
            if row["counts"]["papers"]:
                return day
    return None


def _left_open(lake: Lake, kind: SpanKind, today: date) -> Iterator[Span]:
    for partition in lake.partitions(PAGES[kind]):
        span = span_of(kind, date.fromisoformat(partition))
        files = lake.read(PAGES[kind], partition, PeriodFile)
        if files and files[0].is_open and span.last < today:
            yield span


def _links_wrong(lake: Lake, span: Span) -> bool:
    """Whether the stored pages of a period are missing or link to a wrong neighbour."""
    files = lake.read(PAGES[span.kind], span.first.isoformat(), PeriodFile)
    if not files:
        return True
    stored = _neighbours(span.kind, files[0].previous, files[0].next)
    return stored != neighbours_of(lake, span)
