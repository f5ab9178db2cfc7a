"""The schedules. All times are UTC. Every schedule is off until you switch it on."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import dagster as dg

from papers_pipeline.defs.jobs import build_day
from papers_pipeline.defs.retention import prune
from papers_pipeline.listing.days import FIRST_DAY

NIGHTS_BACK = 14
"""Hugging Face lists a paper up to 14 days after its publication, and may move it within them."""
TODAY_FIRST, NIGHTLY_FIRST = 10, 5
"""Priorities in the run queue. A backfill has 0, so today waits for running backfill days only."""


def request(day: date, key: str, priority: int) -> dg.RunRequest:
    """A run request for one day. With `key`, a tick that is evaluated twice starts one run."""
    return dg.RunRequest(
        run_key=key, partition_key=str(day), tags={"dagster/priority": str(priority)}
    )


@dg.schedule(
    cron_schedule="0 */2 * * 1-5",
    job=build_day,
    execution_timezone="UTC",
    description="Builds today every two hours on weekdays, while its list grows: new papers, votes "
    "and the missing texts.",
)
def today_every_two_hours(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    at = context.scheduled_execution_time
    return request(at.date(), f"today {at:%Y-%m-%dT%H}", TODAY_FIRST)


@dg.schedule(
    cron_schedule="0 3 * * *",
    job=build_day,
    execution_timezone="UTC",
    description="Rebuilds each of the last 14 days every night: moved papers, withdrawals, votes, "
    "and texts that are pending or failed temporarily. Reuses everything already done.",
)
def last_days_nightly(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest]:
    at: datetime = context.scheduled_execution_time
    for back in range(1, NIGHTS_BACK + 1):
        day = at.date() - timedelta(days=back)
        if day >= FIRST_DAY:
            yield request(day, f"nightly {at.date()} {day}", NIGHTLY_FIRST)


@dg.schedule(
    cron_schedule="30 4 * * *",
    job=prune,
    execution_timezone="UTC",
    description="Deletes old PDFs, failed attempts and logs every night.",
)
def prune_nightly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    return dg.RunRequest(run_key=f"prune {context.scheduled_execution_time.date()}")
