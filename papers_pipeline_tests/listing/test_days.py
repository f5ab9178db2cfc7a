"""Parsing of days, and the state of a day."""

from datetime import UTC, date, datetime, timedelta

import pytest

from papers_pipeline.base.clock import FixedClock
from papers_pipeline.listing.days import assess, days_between, is_quiet, latest_days, parse_day
from papers_pipeline.records import Paper

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
CLOCK = FixedClock(NOON)
MONDAY = date(2026, 3, 2)
MORNING = datetime(2026, 3, 2, 8, tzinfo=UTC)


def papers(number: int, gone: int = 0, at: datetime = MORNING + timedelta(hours=2)) -> list[Paper]:
    """`number` papers, of which the first `gone` left the list in one fetch."""
    return [
        Paper(
            arxiv_id=f"2603.{10000 + n}",
            title="T",
            abstract="A",
            authors=[],
            first_seen_at=MORNING,
            status="gone" if n < gone else "listed",
            gone_at=at if n < gone else None,
        )
        for n in range(number)
    ]


def test_words_are_days_in_utc():
    assert parse_day("today", CLOCK) == date(2026, 3, 4)
    assert parse_day("yesterday", CLOCK) == date(2026, 3, 3)
    assert parse_day("2024-05-27", CLOCK) == date(2024, 5, 27)
    assert list(latest_days(CLOCK))[::14] == [date(2026, 3, 4), date(2026, 2, 18)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2026-02-30", "'2026-02-30' is not a day: write YYYY-MM-DD, today, yesterday or latest"),
        ("soon", "'soon' is not a day"),
        ("2026-03-05", r"2026-03-05 has not begun yet \(UTC\): the newest day is 2026-03-04"),
        ("2023-04-30", "2023-04-30 is before the first list, 2023-05-01"),
    ],
)
def test_other_texts_and_days_are_rejected(text: str, message: str):
    with pytest.raises(ValueError, match=message):
        parse_day(text, CLOCK)


def test_a_range_includes_both_ends_and_runs_forward():
    assert days_between(MONDAY, date(2026, 3, 4)) == [MONDAY, date(2026, 3, 3), date(2026, 3, 4)]
    with pytest.raises(ValueError, match="ends before it begins"):
        days_between(date(2026, 3, 4), MONDAY)


@pytest.mark.parametrize(
    ("day", "quiet"),
    [
        (date(2026, 2, 28), True),  # Saturday
        (date(2026, 3, 2), False),
        (date(2026, 11, 26), True),  # Thanksgiving
        (date(2025, 12, 25), True),
        (date(2025, 12, 30), True),
        (date(2026, 1, 1), True),
        (date(2026, 1, 2), False),
        (date(2026, 5, 1), False),
    ],
)
def test_weekends_holidays_and_the_turn_of_the_year_are_quiet(day: date, quiet: bool):
    assert is_quiet(day) is quiet


def test_days_can_be_declared_quiet():
    assert is_quiet(date(2026, 5, 1), [date(2026, 5, 1)])


@pytest.mark.parametrize(
    ("day", "number", "now", "state"),
    [
        (MONDAY, 0, datetime(2026, 3, 2, 23, 59, tzinfo=UTC), "open"),
        (MONDAY, 50, datetime(2026, 3, 2, 23, 59, tzinfo=UTC), "open"),
        (MONDAY, 1, datetime(2026, 3, 3, 0, 0, tzinfo=UTC), "listed"),
        (MONDAY, 0, datetime(2026, 3, 3, 0, 0, tzinfo=UTC), "stalled"),
        (date(2026, 3, 1), 0, NOON, "quiet"),
        (date(2026, 3, 1), 2, NOON, "listed"),
    ],
)
def test_the_state_follows_from_the_day_its_papers_and_the_clock(
    day: date, number: int, now: datetime, state: str
):
    assessment = assess(day, papers(number), {}, now)
    assert (assessment.state, assessment.list_state) == (state, state)


def test_more_than_three_and_over_a_fifth_at_once_is_shrunk():
    assert assess(MONDAY, papers(12, gone=3), {}, NOON).state == "listed"
    assert assess(MONDAY, papers(12, gone=4), {}, NOON).state == "shrunk"
    assert assess(MONDAY, papers(20, gone=4), {}, NOON).state == "listed"
    assert assess(MONDAY, papers(19, gone=4), {}, NOON).state == "shrunk"


def test_papers_that_moved_are_explained():
    gone = papers(12, gone=11)
    moved = {paper.arxiv_id: date(2026, 3, 3) for paper in gone[:8]}
    assessment = assess(MONDAY, gone, moved, NOON)
    assert assessment.state == "listed"
    assert assessment.unexplained == tuple(paper.arxiv_id for paper in gone[8:11])


def test_papers_that_leave_one_by_one_do_not_shrink_the_list():
    slowly = [
        paper.model_copy(update={"gone_at": MORNING + timedelta(hours=n + 1)})
        for n, paper in enumerate(papers(12, gone=6)[:6])
    ]
    assert assess(MONDAY, [*slowly, *papers(12, gone=6)[6:]], {}, NOON).state == "listed"


def test_papers_added_by_a_rejected_list_are_not_shown():
    old = papers(12, gone=11)
    new = old[11].model_copy(update={"arxiv_id": "2603.99999", "first_seen_at": old[0].gone_at})
    assessment = assess(MONDAY, [*old, new], {}, NOON)
    assert assessment.state == "shrunk"
    assert assessment.list_state == "listed"
    assert [paper.arxiv_id for paper in assessment.shown] == [paper.arxiv_id for paper in old]
