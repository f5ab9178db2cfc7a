"""Sensors that rebuild the site after new issues and mark dead runs."""

from collections.abc import Iterator
from datetime import date, timedelta

import dagster as dg

from papers_pipeline.base.clock import Clock
from papers_pipeline.defs.jobs import SITE, build_month, build_site, build_week
from papers_pipeline.runs import WAITING, mark_dead_runs
from papers_pipeline.settings import Settings
from papers_pipeline.site.periods import affected_periods
from papers_pipeline.store.lake import Lake
from papers_pipeline.wiring import coordination_of

BATCH = 500
"""Materializations that one tick of `site_follows` handles; the next tick takes the rest."""
PATIENCE = timedelta(minutes=10)
"""How long a new issue waits for its pages while a backfill goes on. They take longer to build the
more days there are, and each of the other days would build them again."""


@dg.sensor(
    jobs=[build_month, build_week, build_site],
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Rebuilds months, weeks and the index after new issues: once no day is under way, "
    "or ten minutes after the first of them. On by default: it costs nothing.",
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
    age = clock.now().timestamp() - records[0].timestamp
    if age < PATIENCE.total_seconds() and _days_are_under_way(context.instance):
        yield dg.SkipReason("days are being built; the pages of all of them follow")
        return
    newest = records[-1].storage_id
    partitions = {record.partition_key for record in records if record.partition_key}
    days = [date.fromisoformat(partition) for partition in sorted(partitions)]
    today = clock.today()
    spans = [
        *affected_periods(lake, "month", days, today),
        *affected_periods(lake, "week", days, today),
    ]
    for span in sorted(spans, key=lambda span: (span.first, span.kind)):
        job = f"build_{span.kind}"
        key = span.first.isoformat()
        yield dg.RunRequest(run_key=f"{job} {key} {newest}", job_name=job, partition_key=key)
    yield dg.RunRequest(run_key=f"build_site {newest}", job_name="build_site")
    context.update_cursor(str(newest))


def _days_are_under_way(instance: dg.DagsterInstance) -> bool:
    """Whether any run waits or goes on that does not build pages spanning days."""
    of_site = instance.get_runs_count(dg.RunsFilter(tags=SITE, statuses=WAITING))
    return instance.get_runs_count(dg.RunsFilter(statuses=WAITING)) > of_site


@dg.sensor(
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Marks runs as failed if their process is gone or the workers' queue has lost "
    "them, so that they do not block their day.",
)
def dead_runs(
    context: dg.SensorEvaluationContext, settings: dg.ResourceParam[Settings]
) -> dg.SkipReason:
    dead = mark_dead_runs(context.instance, coordination_of(settings))
    if dead:
        return dg.SkipReason(f"marked failed: {', '.join(dead)}")
    return dg.SkipReason("every unfinished run is alive")
