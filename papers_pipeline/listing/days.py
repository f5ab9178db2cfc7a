"""Days of the list: parsing, ranges, quiet days, and the state of a day."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import holidays

from papers_pipeline.base.clock import Clock
from papers_pipeline.base.loaded_once import loaded_once
from papers_pipeline.records import DayState, Paper

FIRST_DAY = date(2023, 5, 1)
"""The first day of the Daily Papers list."""

NEARBY = timedelta(days=31)
"""How far apart two days that list the same paper can be.

Hugging Face accepts papers for 14 days after publication, so a second listing is within a month.
"""

SHRUNK_MORE_THAN = 3
SHRUNK_SHARE = 0.2
"""A list is rejected if it loses more papers than this, and more than this share, at once."""


def parse_day(text: str, clock: Clock) -> date:
    """The day for an ISO date, `today` or `yesterday`. Raises ValueError for any other text or day.

    `latest` depends on the lists themselves; `latest_days` resolves it.
    """
    today = clock.today()
    words = {"today": today, "yesterday": today - timedelta(days=1)}
    try:
        day = words[text] if text in words else date.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"{text!r} is not a day: write YYYY-MM-DD, today, yesterday or latest"
        ) from None
    if day > today:
        raise ValueError(f"{day} has not begun yet (UTC): the newest day is {today}")
    if day < FIRST_DAY:
        raise ValueError(f"{day} is before the first list, {FIRST_DAY}")
    return day


def latest_days(clock: Clock, back: int = 14) -> Iterable[date]:
    """Today and the `back` days before it, newest first."""
    return (clock.today() - timedelta(days=number) for number in range(back + 1))


def days_between(first: date, last: date) -> list[date]:
    """Every day from `first` to `last`, inclusive. Raises ValueError if they are swapped."""
    if first > last:
        raise ValueError(f"the range ends before it begins: {first} to {last}")
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


@loaded_once
def _us_holidays() -> holidays.HolidayBase:
    return holidays.country_holidays("US")


def is_quiet(day: date, extra: Sequence[date] = ()) -> bool:
    """Whether no list is expected on a day.

    Quiet days are weekends, US federal holidays, 25 December to 1 January, and `extra`.
    """
    turn_of_year = (day.month, day.day) >= (12, 25) or (day.month, day.day) == (1, 1)
    return day.weekday() >= 5 or turn_of_year or day in extra or day in _us_holidays()


@dataclass(frozen=True)
class DayAssessment:
    """The state of a day's list, and its papers.

    `list_state` is the state of the list that pages show. `unexplained` are the ids of papers that
    left the list for no known reason. `rejected_at` is the fetch whose list was rejected.
    """

    state: DayState
    list_state: DayState
    unexplained: tuple[str, ...] = ()
    rejected_at: datetime | None = None
    shown: tuple[Paper, ...] = field(default=(), repr=False)


def assess(
    day: date,
    papers: Sequence[Paper],
    moved: Mapping[str, date],
    now: datetime,
    quiet_days: Sequence[date] = (),
) -> DayAssessment:
    """The state of a day, from its papers and from those that `moved` to another day (id to day).

    Open, listed and quiet are normal states, stalled is suspicious, shrunk is a failed day. A list
    is rejected if one fetch lost more than `SHRUNK_MORE_THAN` papers and over `SHRUNK_SHARE` of the
    list, all unexplained. Then `shown` keeps the papers it lost and omits those it added.
    """
    list_state = _list_state(day, papers, now, quiet_days)
    unexplained = []
    for paper in papers:
        if paper.status == "gone" and paper.arxiv_id not in moved:
            unexplained.append(paper)
    ids = tuple(paper.arxiv_id for paper in unexplained)
    shrunk_at = _shrunk_at(papers, unexplained)
    if shrunk_at is None:
        return DayAssessment(list_state, list_state, ids, None, tuple(papers))
    shown = tuple(paper for paper in papers if paper.first_seen_at < shrunk_at)
    return DayAssessment("shrunk", list_state, ids, shrunk_at, shown)


def _shrunk_at(papers: Sequence[Paper], unexplained: Sequence[Paper]) -> datetime | None:
    """The first fetch that lost too many papers at once; None if none did."""
    losses = Counter(paper.gone_at for paper in unexplained if paper.gone_at)
    for fetched_at, lost in sorted(losses.items()):
        listed_before = sum(_was_listed_before(paper, fetched_at) for paper in papers)
        if lost > SHRUNK_MORE_THAN and lost > SHRUNK_SHARE * listed_before:
            return fetched_at
    return None


def _list_state(
    day: date, papers: Sequence[Paper], now: datetime, quiet_days: Sequence[date]
) -> DayState:
    if now < datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1):
        return "open"
    if papers:
        return "listed"
    return "quiet" if is_quiet(day, quiet_days) else "stalled"


def _was_listed_before(paper: Paper, fetched_at: datetime) -> bool:
    if paper.first_seen_at >= fetched_at:
        return False
    return paper.gone_at is None or paper.gone_at >= fetched_at
