"""Batches in the UI: the job that submits them, and the sensor that takes their answers."""

import json
from collections.abc import Iterator

import dagster as dg
from pydantic import Field

from papers_pipeline.base import loop
from papers_pipeline.base.clock import Clock
from papers_pipeline.defs.jobs import build_day
from papers_pipeline.enrichment.by_batch import Submission, submit, submit_expired
from papers_pipeline.enrichment.plan import Planner, known_usd, known_usd_by_batch, to_refresh
from papers_pipeline.listing.days import parse_day
from papers_pipeline.llm.batch_store import BatchJob, BatchStore
from papers_pipeline.llm.batches import Busy
from papers_pipeline.llm.models import Models
from papers_pipeline.store.lake import Lake

REMEMBERED = 500
"""Batches whose days the sensor remembers to have submitted."""


class BatchConfig(dg.Config):
    """The days whose texts `buy_by_batch` submits, and whether it only logs them."""

    dry_run: bool = Field(
        default=True, description="Only log what would be bought. Set to false to submit it."
    )
    first_day: str | None = Field(
        default=None, description="First day, YYYY-MM-DD. Default: the oldest with a list."
    )
    last_day: str | None = Field(
        default=None, description="Last day, YYYY-MM-DD. Default: the newest with a list."
    )
    expired_of: str | None = Field(
        default=None,
        description="Instead of days, the id of a batch whose expired texts are submitted again.",
    )


@dg.op
def submit_batches(
    context: dg.OpExecutionContext,
    config: BatchConfig,
    planner: dg.ResourceParam[Planner],
    models: dg.ResourceParam[Models],
    lake: dg.ResourceParam[Lake],
    clock: dg.ResourceParam[Clock],
) -> None:
    """Compute a fresh plan and submit every text of it that a batch can answer."""
    if config.expired_of:
        submission = submit_expired(
            config.expired_of, stages=planner.stages, lake=lake, models=models, planner=planner
        )
        _tell(context, submission)
        return
    first = parse_day(config.first_day, clock) if config.first_day else None
    last = parse_day(config.last_day, clock) if config.last_day else None
    plan = planner.plan(first, last)
    wanted = to_refresh(plan)
    chosen = [row for row in plan if row.day in wanted.get(row.asset, ())]
    calls = sum(row.calls for row in chosen)
    context.log.info(
        f"{calls} texts, about USD {known_usd(chosen)}, USD {known_usd_by_batch(chosen)} by batch"
    )
    if config.dry_run:
        context.log.info("Dry run: nothing was submitted. Launch again with dry_run: false.")
        return
    submission = submit(wanted, stages=planner.stages, lake=lake, models=models, planner=planner)
    _tell(context, submission)


def _tell(context: dg.OpExecutionContext, submission: Submission) -> None:
    """Log what was submitted and what is left. Raises Failure if a provider refused a batch."""
    for job in submission.jobs:
        context.log.info(f"{job.model}: {job.requests} texts, batch {job.id}: {job.state}")
    for model, texts in submission.live.items():
        if texts:
            context.log.info(f"{model}: {texts} texts are left to a build, which asks live")
    if submission.over_budget:
        context.log.info(f"{submission.over_budget} texts are left: the day's budget is spent")
    if not submission.jobs:
        context.log.info("Nothing was submitted.")
    if submission.refused:
        refused = [f"{job.model} takes no batch: {job.detail}" for job in submission.refused]
        raise dg.Failure("; ".join(refused))


@dg.job(
    description="Submits the texts that are missing or stale as batches, at half the price. Only "
    "logs them unless you set dry_run: false. Answers take up to a day; the sensor batches_ended "
    "takes them and builds the days."
)
def buy_by_batch() -> None:
    submit_batches()


@dg.sensor(
    jobs=[build_day, buy_by_batch],
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Asks the providers about open batches, stores the answers of those that have "
    "ended, and builds their days. What expired is submitted again. On by default: it does "
    "nothing until you submit a batch.",
)
def batches_ended(
    context: dg.SensorEvaluationContext, models: dg.ResourceParam[Models]
) -> Iterator[dg.RunRequest | dg.SkipReason]:
    batches = models.batches
    try:
        with batches.held(wait=False):
            problems = loop.run(batches.settle())
    except Busy:
        yield dg.SkipReason("another process works on the batches")
        return
    for problem in problems:
        context.log.warning(f"batch {problem.job.id} of {problem.job.model}: {problem.detail}")
    submitted = json.loads(context.cursor) if context.cursor else []
    jobs = batches.store.jobs()
    new = []
    for job in jobs:
        if job.state == "collected" and job.id not in submitted:
            new.append(job)
    for job in new:
        yield from _runs(job, batches.store)
    if new:
        remembered = [*submitted, *(job.id for job in new)][-REMEMBERED:]
        context.update_cursor(json.dumps(remembered))
        return
    still_open = sum(not job.is_settled for job in jobs)
    yield dg.SkipReason(f"{still_open} open batches, none ended")


def _runs(job: BatchJob, store: BatchStore) -> Iterator[dg.RunRequest]:
    """A run for each day whose texts are all answered, and one that submits again what expired.

    A day with a canceled text waits for you: its run would buy that text live.
    """
    if job.detail is not None:
        # The provider rejected the whole batch. It would reject the next one too.
        return
    endings: dict[str, set[str]] = {}
    waiting = set()
    for text in store.texts(job):
        ending = job.unanswered.get(text.key, "succeeded")
        endings.setdefault(text.day, set()).add(ending)
        if store.text(text.key) is not None:
            waiting.add(text.day)
    for day in sorted(waiting):
        if not endings[day] & {"expired", "canceled"}:
            yield dg.RunRequest(
                run_key=f"batch {job.id} {day}", job_name="build_day", partition_key=day
            )
    if "expired" in job.results:
        config = {"dry_run": False, "expired_of": job.id}
        yield dg.RunRequest(
            run_key=f"batch {job.id} again",
            job_name="buy_by_batch",
            run_config={"ops": {"submit_batches": {"config": config}}},
        )
