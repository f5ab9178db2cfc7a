"""The check that tells of days that failed or were never built, and the daily message about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import dagster as dg

from papers_pipeline.base.alarm import Alarm
from papers_pipeline.base.clock import Clock
from papers_pipeline.defs.io_managers import lock_of
from papers_pipeline.defs.schedules import NIGHTS_BACK
from papers_pipeline.listing.days import is_quiet
from papers_pipeline.llm.models import Models
from papers_pipeline.runs import PARTITION_TAG
from papers_pipeline.settings import Settings
from papers_pipeline.store.lake import Lake

REPORT_HOUR = 6
"""UTC. By then the night's builds have ended, and the list of the day before is complete."""


@dataclass(frozen=True)
class MissingDay:
    """A day that has no issue, or whose last run failed, and what to do about it."""

    day: date
    fault: str

    @property
    def advice(self) -> str:
        """The fault, and the command that mends it."""
        return f"{self.fault}: `papers build --date {self.day}`"

    def __str__(self) -> str:
        return f"{self.day} {self.advice}"


def missing_days(
    lake: Lake, instance: dg.DagsterInstance, today: date, quiet_days: Sequence[date]
) -> list[MissingDay]:
    """The working days of the last 14, without today, that failed or were never built.

    Days before the first that was ever built do not count: nobody asked for them.
    """
    built = set(lake.partitions("daily_issue"))
    first = min(built, default=str(today))
    missing = []
    for back in range(NIGHTS_BACK, 0, -1):
        day = today - timedelta(days=back)
        if is_quiet(day, quiet_days) or str(day) < first:
            continue
        if str(day) not in built:
            missing.append(MissingDay(day, "was never built"))
        elif _last_run_failed(instance, day):
            missing.append(MissingDay(day, "failed the last time"))
    return missing


def _last_run_failed(instance: dg.DagsterInstance, day: date) -> bool:
    """Whether the newest run of a day failed. A week's or month's run may bear its date too."""
    for run in instance.get_runs(dg.RunsFilter(tags={PARTITION_TAG: str(day)})):
        if lock_of(run) == str(day):
            return run.status is dg.DagsterRunStatus.FAILURE
    return False


@dg.asset_check(
    asset="site_index",
    description="Each working day of the last 14 is built, and its last run succeeded.",
)
def no_days_missing(
    context: dg.AssetCheckExecutionContext,
    lake: dg.ResourceParam[Lake],
    clock: dg.ResourceParam[Clock],
    settings: dg.ResourceParam[Settings],
) -> dg.AssetCheckResult:
    """ERROR if a day is missing; the metadata names each, and the command that builds it."""
    missing = missing_days(lake, context.instance, clock.today(), settings.quiet_days)
    return dg.AssetCheckResult(
        passed=not missing,
        severity=dg.AssetCheckSeverity.ERROR,
        description="; ".join(map(str, missing)) or "No day is missing.",
        metadata={str(found.day): found.advice for found in missing},
    )


def daily_report_sensor(alarm: Alarm) -> dg.SensorDefinition:
    """The sensor `daily_report`. It runs by default if there is anywhere to report to."""
    status = dg.DefaultSensorStatus.RUNNING if alarm.is_heard else dg.DefaultSensorStatus.STOPPED
    sensor = dg.sensor(
        name="daily_report",
        minimum_interval_seconds=900,
        default_status=status,
        description=f"Says once a day, after {REPORT_HOUR:02}:00 UTC, that all is well or which "
        "days are missing, and what the day before has cost.",
    )
    return sensor(daily_report)


def daily_report(
    context: dg.SensorEvaluationContext,
    settings: dg.ResourceParam[Settings],
    lake: dg.ResourceParam[Lake],
    clock: dg.ResourceParam[Clock],
    models: dg.ResourceParam[Models],
) -> dg.SkipReason:
    """Send the report of a day. The cursor is the day of the last report that was accepted."""
    now = clock.now()
    today = now.date()
    if now.hour < REPORT_HOUR or context.cursor == str(today):
        return dg.SkipReason("today's report is sent, or it is too early for it")
    missing = missing_days(lake, context.instance, today, settings.quiet_days)
    state = "; ".join(map(str, missing)) if missing else "all is well"
    spent = models.ledger.total_usd(today - timedelta(days=1))
    if settings.alarm.tell(f"papers_pipeline: {state}. Yesterday's calls: USD {spent:.2f}."):
        context.update_cursor(str(today))
    return dg.SkipReason(state)
