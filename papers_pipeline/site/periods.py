"""Months and weeks: a calendar month or an ISO week, and the issues of its days joined into one list of papers."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from papers_pipeline.records import DailyIssue, PeriodFile
from papers_pipeline.site.catalogue import Card, card_of, once
from papers_pipeline.store.files import read
from papers_pipeline.store.lake import Lake, rows_of

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

    def __contains__(self, day: date) -> bool:
        """Whether it is a day of the month or week."""
        return self.first <= day <= self.last

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
class Period:
    """A month or week as its page shows it: the days that were built, in order, every paper once, by upvotes and then
    by id, and the neighbours that have papers. ``is_open`` says that days of it are still to come or not over."""

    span: Span
    is_open: bool
    days: Sequence[PeriodDay]
    papers: Sequence[Card]
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


def period_of(
    span: Span, issues: Iterable[DailyIssue], today: date, neighbours: Neighbours = Neighbours()
) -> Period:
    """The month or week that these issues of its days make; days of it without an issue were not built. A paper that
    moved counts at the day that lists it now, in whatever month that is."""
    issues = sorted(issues, key=lambda issue: issue.date)
    cards = once(card_of(issue.date, paper) for issue in issues for paper in issue.papers)
    return Period(
        span=span,
        is_open=today <= span.last,
        days=tuple(PeriodDay(issue.date, len(issue.papers)) for issue in issues),
        papers=tuple(sorted(cards, key=lambda card: (-card.upvotes, card.arxiv_id))),
        neighbours=neighbours,
    )


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
    return Neighbours(
        span_of(kind, before) if before else None, span_of(kind, after) if after else None
    )


def touched(lake: Lake, kind: SpanKind, days: Iterable[date], today: date) -> list[Span]:
    """The months or weeks whose pages want to be written after ``days`` were built: those of the days, those whose
    stored pages still say that they are not over, and around them all those whose stored pages do not lead to their
    neighbours as they are now."""
    spans = list(
        dict.fromkeys([*(span_of(kind, day) for day in days), *_left_open(lake, kind, today)])
    )
    for span in spans:  # grows while it is read: a page that was never written has neighbours too
        beside = neighbours_of(lake, span)
        for other in (beside.previous, beside.next):
            if (
                other
                and other not in spans
                and _stored_neighbours(lake, other) != neighbours_of(lake, other)
            ):
                spans.append(other)
    return sorted(spans)


def _left_open(lake: Lake, kind: SpanKind, today: date) -> Iterator[Span]:
    for partition in lake.partitions(PAGES[kind]):
        span = span_of(kind, date.fromisoformat(partition))
        files = lake.read(PAGES[kind], partition, PeriodFile)
        if files and files[0].is_open and span.last < today:
            yield span


def _stored_neighbours(lake: Lake, span: Span) -> Neighbours | None:
    files = lake.read(PAGES[span.kind], span.first.isoformat(), PeriodFile)
    return _beside(span.kind, files[0].previous, files[0].next) if files else None
