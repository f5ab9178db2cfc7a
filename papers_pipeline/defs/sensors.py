"""What follows from what happened: the site follows new issues, dead runs are marked, and failures are told."""

from collections.abc import Iterator
from datetime import date

import dagster as dg

from papers_pipeline.base.clock import Clock
from papers_pipeline.defs.jobs import build_month, build_site, build_week
from papers_pipeline.runs import mark_dead_runs
from papers_pipeline.site.periods import touched
from papers_pipeline.store.lake import Lake

BATCH = 500


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
    spans = [*touched(lake, "month", days, today), *touched(lake, "week", days, today)]
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
