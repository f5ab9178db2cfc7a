"""Working days that failed or were never built are named, by a check and each morning."""

from datetime import datetime, timedelta

import dagster as dg
import pytest

from papers_pipeline import definitions
from papers_pipeline.base.alarm import Alarm
from papers_pipeline.sandbox.world import Fault
from papers_pipeline.settings import load_settings
from papers_pipeline.wiring import models_of
from papers_pipeline_tests.helpers.building import Pipeline
from papers_pipeline_tests.helpers.outside import Outside, entry

pytestmark = pytest.mark.slow
MONDAY, TUESDAY, WEDNESDAY = "2026-03-02", "2026-03-03", "2026-03-04"


@pytest.fixture
def built(outside: Outside, pipeline: Pipeline) -> Pipeline:
    """Monday and Wednesday are built; it is Thursday morning. Nobody built the days before."""
    for number, day in enumerate((MONDAY, WEDNESDAY)):
        outside.list(day, [entry(f"2603.1000{number}", title="Kettle", summary="It whistles.")])
        pipeline.build_day(day, at="2026-03-05T05:00")
    return pipeline


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The messages that the operator gets."""
    monkeypatch.setenv("PAPERS_WEBHOOK_URL", "http://127.0.0.1:9/hook")
    messages: list[str] = []

    def tell(alarm: Alarm, text: str) -> bool:
        messages.append(text)
        return True

    monkeypatch.setattr(Alarm, "tell", tell)
    return messages


def check(pipeline: Pipeline) -> dg.AssetCheckEvaluation:
    result = pipeline.run_job("build_site")
    (evaluation,) = result.get_asset_check_evaluations()
    assert evaluation.check_name == "no_days_missing"
    return evaluation


def morning(pipeline: Pipeline, cursor: str | None = None) -> str | None:
    """Ask for the daily report; returns the cursor afterwards."""
    repository = definitions.load(pipeline.clock).get_repository_def()
    settings = load_settings()
    context = dg.build_sensor_context(
        instance=pipeline.instance,
        cursor=cursor,
        resources={
            "settings": settings,
            "lake": pipeline.lake,
            "clock": pipeline.clock,
            "models": models_of(settings, pipeline.clock),
        },
    )
    return repository.get_sensor_def("daily_report").evaluate_tick(context).cursor


def test_a_day_that_was_never_built_is_named_with_the_command_that_builds_it(built: Pipeline):
    found = check(built)
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.ERROR)
    advice = f"was never built: `papers build --date {TUESDAY}`"
    assert found.description == f"{TUESDAY} {advice}"
    assert {name: value.value for name, value in found.metadata.items()} == {TUESDAY: advice}


def test_a_day_whose_last_run_failed_is_named_although_it_was_built(
    built: Pipeline, outside: Outside
):
    outside.list(TUESDAY, [])
    built.build_day(TUESDAY, at="2026-03-05T05:00")
    assert check(built).passed
    outside.world.faults.append(Fault("daily_papers", 404, "{}"))
    assert not built.run_job("build_day", WEDNESDAY).success
    found = check(built)
    assert (
        found.description == f"{WEDNESDAY} failed the last time: `papers build --date {WEDNESDAY}`"
    )


def test_a_week_that_was_built_since_does_not_hide_that_its_monday_failed(
    built: Pipeline, outside: Outside
):
    outside.list(TUESDAY, [])
    built.build_day(TUESDAY)
    outside.world.faults.append(Fault("daily_papers", 404, "{}"))
    assert not built.run_job("build_day", MONDAY).success
    assert built.run_job("build_week", MONDAY).success
    assert list(check(built).metadata) == [MONDAY]


def test_weekends_and_days_that_the_operator_calls_quiet_are_not_missed(
    built: Pipeline, monkeypatch
):
    monkeypatch.setenv("PAPERS_QUIET_DAYS", TUESDAY)
    built.clock.moment = datetime.fromisoformat("2026-03-05T23:00+00:00")
    assert check(built).passed
    built.clock.moment += timedelta(days=5)
    assert sorted(check(built).metadata) == ["2026-03-05", "2026-03-06", "2026-03-09"]


def test_each_morning_the_operator_is_told_once(built: Pipeline, told: list[str], outside: Outside):
    assert morning(built) is None
    built.clock.moment += timedelta(hours=2)
    cursor = morning(built)
    assert told == [
        f"papers_pipeline: {TUESDAY} was never built: `papers build --date {TUESDAY}`. "
        "Yesterday's calls: USD 0.00."
    ]
    assert morning(built, cursor) == cursor
    outside.list(TUESDAY, [])
    built.build_day(TUESDAY)
    built.clock.moment = datetime.fromisoformat("2026-03-07T07:00+00:00")
    outside.list("2026-03-05", [])
    outside.list("2026-03-06", [])
    for day in ("2026-03-05", "2026-03-06"):
        built.build_day(day)
    morning(built, cursor)
    assert told[1:] == ["papers_pipeline: all is well. Yesterday's calls: USD 0.00."]
