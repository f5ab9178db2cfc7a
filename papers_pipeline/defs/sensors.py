"""What follows from what happened: the site follows new issues, dead runs are marked, and failures are told."""

from collections.abc import Iterator
from datetime import date

import dagster as dg

from papers_pipeline.base.clock import Clock
from papers_pipeline.base.webhook import post
from papers_pipeline.defs.jobs import build_month, build_site, build_week
from papers_pipeline.listing.days import latest_days
from papers_pipeline.records import DailyIssue
from papers_pipeline.runs import first_error, mark_dead_runs
from papers_pipeline.settings import Settings, load_settings
from papers_pipeline.site.periods import affected_periods
from papers_pipeline.store.lake import Lake

BATCH = 500
ALARMING = {
    "stalled": "the list of {day}, a working day, is empty",
    "shrunk": "the list of {day} lost so many papers at once that it is not believed",
}


@dg.sensor(
    jobs=[build_month, build_week, build_site],
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Months, weeks and index are rebuilt after new issues; on by default, since it costs nothing.",
)
def site_follows(
    context: dg.SensorEvaluationContext,
    lake: dg.ResourceParam[Lake],
    clock: dg.ResourceParam[Clock],
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    after = int(context.cursor) if context.cursor else None
    records = context.instance.fetch_materializations(
        dg.AssetRecordsFilter(dg.AssetKey("daily_issue"), after_storage_id=after),
        limit=BATCH,
        ascending=True,
    ).records
    if not records:
        yield dg.SkipReason("no new issue")
        return
    newest = max(record.storage_id for record in records)
    days = sorted(
        {date.fromisoformat(record.partition_key) for record in records if record.partition_key}
    )
    today = clock.today()
    spans = [
        *affected_periods(lake, "month", days, today),
        *affected_periods(lake, "week", days, today),
    ]
    for span in sorted(spans, key=lambda span: (span.first, span.kind)):
        job, key = f"build_{span.kind}", span.first.isoformat()
        yield dg.RunRequest(run_key=f"{job} {key} {newest}", job_name=job, partition_key=key)
    yield dg.RunRequest(run_key=f"build_site {newest}", job_name="build_site")
    context.update_cursor(str(newest))


@dg.sensor(
    minimum_interval_seconds=120,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Runs of this machine whose process is gone are marked failed, so that they do not block their day.",
)
def dead_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    dead = mark_dead_runs(context.instance)
    return dg.SkipReason(
        f"marked failed: {', '.join(dead)}" if dead else "every unfinished run is alive"
    )


def alarm_status(settings: Settings) -> dg.DefaultSensorStatus:
    """The alarms are on when there is a webhook to tell."""
    return (
        dg.DefaultSensorStatus.RUNNING if settings.webhook_url else dg.DefaultSensorStatus.STOPPED
    )


STATUS = alarm_status(load_settings())


@dg.run_failure_sensor(
    default_status=STATUS,
    monitor_all_code_locations=False,
    description="Tells PAPERS_WEBHOOK_URL of a failed run: its job, its day and its first error.",
)
def failed_runs(context: dg.RunFailureSensorContext, settings: dg.ResourceParam[Settings]) -> None:
    if settings.webhook_url:
        run = context.dagster_run
        of = run.tags.get("dagster/partition", "")
        failures = [
            record.dagster_event
            for record in context.instance.all_logs(run.run_id)
            if record.dagster_event
        ]
        text = f"papers_pipeline: {run.job_name} {of} failed: {first_error(failures)}"
        post(settings.webhook_url.get_secret_value(), text)


@dg.sensor(
    minimum_interval_seconds=3600,
    default_status=STATUS,
    description="Tells PAPERS_WEBHOOK_URL once of a day of the last week whose list is stalled or shrunken.",
)
def odd_days(
    context: dg.SensorEvaluationContext,
    settings: dg.ResourceParam[Settings],
    lake: dg.ResourceParam[Lake],
    clock: dg.ResourceParam[Clock],
) -> dg.SkipReason:
    told = set(context.cursor.split()) if context.cursor else set()
    odd = [(day, state) for day, state in states(lake, clock) if state in ALARMING]
    news = {f"{day}:{state}": ALARMING[state].format(day=day) for day, state in odd}
    new = {key: text for key, text in news.items() if key not in told}
    if new and settings.webhook_url:
        post(settings.webhook_url.get_secret_value(), "papers_pipeline: " + "; ".join(new.values()))
    context.update_cursor(" ".join(sorted(news)))
    return dg.SkipReason("; ".join(new.values()) or "no day is odd")


def states(lake: Lake, clock: Clock) -> Iterator[tuple[date, str]]:
    """The days of the last week that were built, and their states."""
    for day in latest_days(clock, back=7):
        if issues := lake.read("daily_issue", str(day), DailyIssue):
            yield day, issues[0].state
