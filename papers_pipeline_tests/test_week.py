"""A week of the schedules on an injected clock: today every two hours, and every night the days before."""

from datetime import UTC, datetime, timedelta

from papers_pipeline.base.clock import FixedClock
from papers_pipeline.runner import DayReport, runner
from papers_pipeline.sandbox.world import Fault
from papers_pipeline.settings import load_settings
from papers_pipeline_tests.conftest import Notes, Outside, Pipeline
from papers_pipeline_tests.test_models import calls, each, entries

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
DOWN = {(THURSDAY, hour) for hour in (10, 12, 14)}


class Week:
    """Builds what a tick of the schedules would, and notes what came of it."""

    def __init__(self, outside: Outside, pipeline: Pipeline) -> None:
        self.outside, self.pipeline = outside, pipeline
        self.calls: dict[tuple[str, int], dict[str, int]] = {}
        self.reports: dict[tuple[str, int], DayReport] = {}

    def tick(self, day: str, hour: int) -> None:
        moment = datetime.fromisoformat(f"{day}T{hour:02}:00").replace(tzinfo=UTC)
        self.outside.world.now = moment
        if (day, hour) in LISTS:
            of, numbers = LISTS[day, hour]
            self.outside.list(of, entries(*numbers))
        self.outside.world.faults[:] = (
            [Fault("daily_papers", 404, "{}", times=99)] if (day, hour) in DOWN else []
        )
        self.pipeline.clock = FixedClock(moment)
        if hour == 4:  # the nightly one, for the days of this week
            nights = [
                moment.date() - timedelta(days=back) for back in range(1, moment.weekday() + 1)
            ]
            self._build(*nights)
            self.calls[day, 3] = calls(self.outside)
        (self.reports[day, hour],) = self._build(moment.date())
        self.calls[day, hour] = calls(self.outside)

    def _build(self, *days) -> list[DayReport]:
        with runner(load_settings(), self.pipeline.clock, Notes()) as builder:
            return builder.build(days) if days else []


def test_a_week_of_ticks(outside: Outside, pipeline: Pipeline, monkeypatch):
    outside.offer(monkeypatch)
    for day in (HOLIDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY):
        outside.list(day, [])
    week = Week(outside, pipeline)
    pages: dict[tuple[str, int], str] = {}
    for day in (HOLIDAY, TUESDAY, WEDNESDAY, THURSDAY, FRIDAY):
        if day == THURSDAY:  # a paper of Tuesday moves to Wednesday by Thursday morning
            outside.list(TUESDAY, entries(*range(0, 5)))
            outside.list(WEDNESDAY, entries(*range(10, 18), 5))
        if day == FRIDAY:
            outside.offer(monkeypatch, "anthropic", key="wrong-key")
        for hour in range(0, 24, 4) if day == HOLIDAY else range(0, 24, 2):
            week.tick(day, hour)
            path = pipeline.site / "en" / "d" / f"{day}.html"
            pages[day, hour] = path.read_text(encoding="utf-8") if path.exists() else ""

    states = {tick: report.state for tick, report in week.reports.items()}
    assert {states[HOLIDAY, hour] for hour in range(0, 24, 4)} == {"open"}
    assert pipeline.issue(HOLIDAY).state == "quiet"
    assert [states[WEDNESDAY, hour] for hour in (8, 10, 12, 14, 16)] == [
        "open",
        "open",
        "shrunk",
        "shrunk",
        "open",
    ]
    assert pages[WEDNESDAY, 12] == pages[WEDNESDAY, 10]
    assert all("answered 404" in week.reports[tick].error for tick in DOWN)
    assert all(pages[tick] == pages[THURSDAY, 8] for tick in DOWN)
    assert states[THURSDAY, 16] == "open"

    bought = {tick: asked for tick, asked in week.calls.items() if asked}
    assert bought == {
        (TUESDAY, 8): each(4),
        (TUESDAY, 14): each(2, tasks=0),
        (WEDNESDAY, 8): each(8),
        (THURSDAY, 8): each(2),
        # The Russian of three papers, and the one call of the wrong key.
        (FRIDAY, 8): each(3) | {"ru": 4},
    }
    assert {row.provider for row in pipeline.rows("summaries_ru", FRIDAY)} == {"openai"}
    moved = next(paper for paper in pipeline.json(TUESDAY)["papers"] if paper["id"] == "2603.10005")
    assert moved["moved_to"] == WEDNESDAY
    there = next(
        paper for paper in pipeline.json(WEDNESDAY)["papers"] if paper["id"] == "2603.10005"
    )
    assert {text["source"] for text in there["summaries"].values()} == {"model"}
    assert {pipeline.issue(day).state for day in (TUESDAY, WEDNESDAY)} == {"listed"}
