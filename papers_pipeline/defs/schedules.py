"""When the pipeline runs by itself. All times are UTC, and every schedule is off until it is switched on."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import dagster as dg

from papers_pipeline.defs.jobs import build_day
from papers_pipeline.defs.retention import prune
from papers_pipeline.listing.days import FIRST_DAY

NIGHTS_BACK = 14
"""Hugging Face takes a paper up to 14 days after its publication, and moves it about within them."""
TODAY_FIRST, NIGHTLY_FIRST = 10, 5
"""Priorities of the queue: a backfill has 0, so that it delays today by no more than one day that is running."""


def request(day: date, key: str, priority: int) -> dg.RunRequest:
    """A run of one day; the key keeps a tick that is evaluated twice from starting two."""
    return dg.RunRequest(
        run_key=key, partition_key=str(day), tags={"dagster/priority": str(priority)}
    )


@dg.schedule(
    cron_schedule="0 */2 * * 1-5",
    job=build_day,
    execution_timezone="UTC",
    description="Today, every two hours on weekdays while its list grows: new papers, votes, texts for what is new.",
)
def today_every_two_hours(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    at = context.scheduled_execution_time
    return request(at.date(), f"today {at:%Y-%m-%dT%H}", TODAY_FIRST)


@dg.schedule(
    cron_schedule="0 3 * * *",
    job=build_day,
    execution_timezone="UTC",
    description="Each of the last 14 days, every night: papers that moved there, withdrawals, votes, and texts "
    "that were pending or failed in a way that may pass. What is done is not done again.",
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
    description="Every night: parsed PDFs, failed attempts and logs that are old are deleted.",
)
def prune_nightly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    return dg.RunRequest(run_key=f"prune {context.scheduled_execution_time.date()}")
