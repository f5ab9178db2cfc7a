"""Days of the list: what today is, which day a word names, and the state that a day is in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache

import holidays

from papers_pipeline.base.clock import Clock
from papers_pipeline.records import DayState, Paper

FIRST_DAY = date(2023, 5, 1)
"""Before this day the Daily Papers list did not exist."""

SHRUNK_MORE_THAN = 3
SHRUNK_SHARE = 0.2
"""More than three papers, and over a fifth of the list, unexplained and at once: the new list is not believed."""


def parse_day(text: str, clock: Clock) -> date:
    """The day that a date, ``today`` or ``yesterday`` names. Raises ValueError for anything that is no day of the list.

    ``latest`` needs the lists themselves and is resolved by ``latest_days``.
    """
    today = clock.today()
    words = {"today": today, "yesterday": today - timedelta(days=1)}
    try:
        day = words[text] if text in words else date.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"{text!r} is no day: write YYYY-MM-DD, today, yesterday or latest"
        ) from None
    if day > today:
        raise ValueError(f"{day} has not begun yet (UTC): the newest day is {today}")
    if day < FIRST_DAY:
        raise ValueError(f"{day} lies before the first list, {FIRST_DAY}")
    return day


def latest_days(clock: Clock, back: int = 14) -> Iterable[date]:
    """Today and the ``back`` days before it, newest first."""
    return (clock.today() - timedelta(days=number) for number in range(back + 1))


def days_between(first: date, last: date) -> list[date]:
    """Every day from ``first`` to ``last``, both included. Raises ValueError when they are the wrong way round."""
    if first > last:
        raise ValueError(f"the range ends before it begins: {first} to {last}")
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


@cache
def _us_holidays() -> holidays.HolidayBase:
    return holidays.country_holidays("US")


def is_quiet(day: date, extra: Sequence[date] = ()) -> bool:
    """Whether no list is expected: a weekend, a US federal holiday, 25 December to 1 January, or one of ``extra``."""
    turn_of_year = (day.month, day.day) >= (12, 25) or (day.month, day.day) == (1, 1)
    return day.weekday() >= 5 or turn_of_year or day in extra or day in _us_holidays()


@dataclass(frozen=True)
class DayAssessment:
    """The state of a day's list, and what is odd about its papers.

    ``list_state`` is the state of the list that is shown; ``disbelieved_at`` is the fetch whose list is not believed.
    """

    state: DayState
    list_state: DayState
    unexplained: tuple[str, ...] = ()
    disbelieved_at: datetime | None = None
    shown: tuple[Paper, ...] = field(default=(), repr=False)


def assess(
    day: date,
    papers: Sequence[Paper],
    moved: Mapping[str, date],
    now: datetime,
    quiet_days: Sequence[date] = (),
) -> DayAssessment:
    """The state of a day, from its listing and from the papers known to have ``moved`` to another day (id to day).

    Open, listed and quiet are in order; stalled is odd; shrunk is a failed day. A list that lost more than
    ``SHRUNK_MORE_THAN`` papers and over ``SHRUNK_SHARE`` of what it held, unexplained and in one fetch, is not
    believed: what that fetch brought is left out of ``shown``, and what it lost stays as it was.
    """
    if now < datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1):
        list_state: DayState = "open"
    elif papers:
        list_state = "listed"
    else:
        list_state = "quiet" if is_quiet(day, quiet_days) else "stalled"
    unexplained = [
        paper for paper in papers if paper.status == "gone" and paper.arxiv_id not in moved
    ]
    for moment in sorted({paper.gone_at for paper in unexplained if paper.gone_at}):
        lost = [paper for paper in unexplained if paper.gone_at == moment]
        held = [
            p
            for p in papers
            if p.first_seen_at < moment and (p.gone_at is None or p.gone_at >= moment)
        ]
        if len(lost) > SHRUNK_MORE_THAN and len(lost) > SHRUNK_SHARE * len(held):
            shown = tuple(paper for paper in papers if paper.first_seen_at < moment)
            return DayAssessment(
                "shrunk", list_state, tuple(p.arxiv_id for p in unexplained), moment, shown
            )
    return DayAssessment(
        list_state, list_state, tuple(p.arxiv_id for p in unexplained), None, tuple(papers)
    )
