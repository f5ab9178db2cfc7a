"""A week of schedule ticks: today every two hours, the days before at night."""

from datetime import UTC, datetime, timedelta

import pytest

from papers_pipeline.runner import DayReport
from papers_pipeline.sandbox.world import Fault
from papers_pipeline_tests.helpers.building import Pipeline
from papers_pipeline_tests.helpers.outside import Outside, calls_for, kettles

MONDAY = datetime(2026, 1, 19, tzinfo=UTC)
"""Martin Luther King Jr. Day."""
HOLIDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY = (
    str((MONDAY + timedelta(days=n)).date()) for n in range(5)
)
LISTS = {
    # Since when, of which day, which papers.
    (TUESDAY, 8): (TUESDAY, range(0, 4)),
    (TUESDAY, 14): (TUESDAY, range(0, 6)),
    (WEDNESDAY, 8): (WEDNESDAY, range(10, 18)),
    (WEDNESDAY, 12): (WEDNESDAY, range(10, 11)),
    (WEDNESDAY, 16): (WEDNESDAY, range(10, 18)),
    (THURSDAY, 8): (THURSDAY, range(20, 22)),
    (FRIDAY, 8): (FRIDAY, range(30, 33)),
}
DOWN = [(THURSDAY, 10), (THURSDAY, 12)]
HOURS = {
    # The schedule ticks every two hours; these are the ticks at which something happens.
    HOLIDAY: (0, 12),
    TUESDAY: (4, 8, 14),
    WEDNESDAY: (8, 10, 12, 14, 16),
    THURSDAY: (4, 8, 10, 12, 16),
    FRIDAY: (0, 8, 16),
}
NIGHTS = {TUESDAY: (HOLIDAY,), THURSDAY: (WEDNESDAY, TUESDAY, HOLIDAY)}
"""The days that the nightly schedule builds at 3:00, newest first."""


class Week:
    """Builds what a tick of the schedules would, and notes the outcome."""

    def __init__(self, outside: Outside, pipeline: Pipeline) -> None:
        self.outside, self.pipeline = outside, pipeline
        self.calls: dict[tuple[str, int], dict[str, int]] = {}
        self.reports: dict[tuple[str, int], DayReport] = {}
        self.pages: dict[tuple[str, int], str] = {}

    def night(self, day: str) -> None:
        self.outside.world.now = moment(day, 3)
        for earlier in NIGHTS[day]:
            self.pipeline.build_day(earlier, at=f"{day}T03:00")
        self.calls[day, 3] = self.outside.calls()

    def tick(self, day: str, hour: int) -> None:
        self.outside.world.now = moment(day, hour)
        if (day, hour) in LISTS:
            listed_day, numbers = LISTS[day, hour]
            self.outside.list(listed_day, kettles(*numbers))
        is_down = (day, hour) in DOWN
        self.outside.world.faults[:] = [Fault("daily_papers", 404, "{}")] if is_down else []
        self.reports[day, hour] = self.pipeline.build_day(day, at=f"{day}T{hour:02}:00")
        self.calls[day, hour] = self.outside.calls()
        path = self.pipeline.site / "en" / "d" / f"{day}.html"
        self.pages[day, hour] = path.read_text(encoding="utf-8")


def moment(day: str, hour: int) -> datetime:
    return datetime.fromisoformat(f"{day}T{hour:02}:00").replace(tzinfo=UTC)


@pytest.mark.slow
def test_a_week_of_ticks(outside: Outside, pipeline: Pipeline, monkeypatch):
    outside.offer(monkeypatch)
    for day in HOURS:
        outside.list(day, [])
    week = Week(outside, pipeline)
    for day, hours in HOURS.items():
        if day == THURSDAY:  # a paper of Tuesday moves to Wednesday by Thursday morning
            outside.list(TUESDAY, kettles(*range(0, 5)))
            outside.list(WEDNESDAY, kettles(*range(10, 18), 5))
        if day == FRIDAY:
            outside.offer(monkeypatch, "anthropic", key="wrong-key")
        if day in NIGHTS:
            week.night(day)
        for hour in hours:
            week.tick(day, hour)

    pages = week.pages
    states = {tick: report.state for tick, report in week.reports.items()}
    assert {states[HOLIDAY, hour] for hour in HOURS[HOLIDAY]} == {"open"}
    assert pipeline.issue(HOLIDAY).state == "quiet"
    wednesday = [states[WEDNESDAY, hour] for hour in HOURS[WEDNESDAY]]
    assert wednesday == ["open", "open", "shrunk", "shrunk", "open"]
    assert pages[WEDNESDAY, 12] == pages[WEDNESDAY, 10]
    assert all("answered 404" in week.reports[tick].error for tick in DOWN)
    assert all(pages[tick] == pages[THURSDAY, 8] for tick in DOWN)
    assert states[THURSDAY, 16] == "open"

    bought = {tick: asked for tick, asked in week.calls.items() if asked}
    assert bought == {
        (TUESDAY, 8): calls_for(4),
        (TUESDAY, 14): calls_for(2, tasks=0),
        (WEDNESDAY, 8): calls_for(8),
        (THURSDAY, 8): calls_for(2),
        # The Russian of three papers, and the one call of the wrong key.
        (FRIDAY, 8): calls_for(3) | {"ru": 4},
    }
    assert {row.provider for row in pipeline.rows("summaries_ru", FRIDAY)} == {"openai"}
    moved = {paper["id"]: paper for paper in pipeline.json(TUESDAY)["papers"]}["2603.10005"]
    assert moved["moved_to"] == WEDNESDAY
    there = {paper["id"]: paper for paper in pipeline.json(WEDNESDAY)["papers"]}["2603.10005"]
    assert {text["source"] for text in there["summaries"].values()} == {"model"}
    assert {pipeline.issue(day).state for day in (TUESDAY, WEDNESDAY)} == {"listed"}
