"""Alarms: the sensors that tell the operator of failed runs and of bad lists."""

from collections.abc import Iterator
from datetime import date

import dagster as dg

from papers_pipeline.base.clock import Clock
from papers_pipeline.listing.days import latest_days
from papers_pipeline.records import DailyIssue
from papers_pipeline.runs import PARTITION_TAG, first_error
from papers_pipeline.settings import Settings
from papers_pipeline.store.lake import Lake

ALARMING = {
    "stalled": "the list of {day}, a working day, is empty",
    "shrunk": "the list of {day} lost too many papers at once; the new list was rejected",
}


def alarm_sensors(settings: Settings) -> list[dg.SensorDefinition]:
    """The alarms. They run by default if there is anyone to tell."""
    is_heard = settings.alarm.is_heard
    status = dg.DefaultSensorStatus.RUNNING if is_heard else dg.DefaultSensorStatus.STOPPED
    on_failure = dg.run_failure_sensor(
        name="failed_runs",
        default_status=status,
        monitor_all_code_locations=False,
        description="Tells you of each failed run: its job, day, and first error.",
    )
    on_lists = dg.sensor(
        name="list_alarms",
        minimum_interval_seconds=3600,
        default_status=status,
        description="Tells you of each stalled or shrunken list of the last week, once per day and "
        "state.",
    )
    return [on_failure(failed_runs), on_lists(list_alarms)]


def failed_runs(context: dg.RunFailureSensorContext, settings: dg.ResourceParam[Settings]) -> None:
    """Tell of a failed run."""
    run = context.dagster_run
    partition = run.tags.get(PARTITION_TAG, "")
    records = context.instance.all_logs(run.run_id)
    error = first_error([record.dagster_event for record in records if record.dagster_event])
    text = f"papers_pipeline: {run.job_name} {partition} failed: {error}"
    settings.alarm.tell(text)


def list_alarms(
    context: dg.SensorEvaluationContext,
    settings: dg.ResourceParam[Settings],
    lake: dg.ResourceParam[Lake],
    clock: dg.ResourceParam[Clock],
) -> dg.SkipReason:
    """Tell of each alarming list until the message was accepted; the cursor holds what was told."""
    told = set(context.cursor.split()) if context.cursor else set()
    alarms = {}
    for day, state in recent_states(lake, clock):
        if state in ALARMING:
            alarms[f"{day}:{state}"] = ALARMING[state].format(day=day)
    new = [text for key, text in alarms.items() if key not in told]
    if not new or settings.alarm.tell("papers_pipeline: " + "; ".join(new)):
        context.update_cursor(" ".join(sorted(alarms)))
    return dg.SkipReason("; ".join(new) or "every list of the last week is in order")


def recent_states(lake: Lake, clock: Clock) -> Iterator[tuple[date, str]]:
    """The built days of the last week and the states of their lists."""
    for day in latest_days(clock, back=7):
        issues = lake.read("daily_issue", str(day), DailyIssue)
        if issues:
            yield day, issues[0].state
