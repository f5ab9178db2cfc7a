"""What the commands do with batches: take their answers, submit texts, and say what happened."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from papers_pipeline.base import loop
from papers_pipeline.base.clock import Clock
from papers_pipeline.cli.progress import PlainWatcher
from papers_pipeline.cli.terminal import err, led_by, new_table, out
from papers_pipeline.settings import Settings

if TYPE_CHECKING:
    from papers_pipeline.enrichment.by_batch import Submission
    from papers_pipeline.llm.batch_store import BatchJob


def take_answers(settings: Settings, clock: Clock, watching: PlainWatcher) -> None:
    """Store the answers of the batches that have ended, and say which are still open."""
    from papers_pipeline.wiring import models_of

    batches = models_of(settings, clock).batches
    if not batches.has_work():
        return
    with batches.held():
        problems = loop.run(batches.settle())
    for problem in problems:
        watching.note(f"batch {problem.job.id} of {problem.job.model}: {problem.detail}")
    open_jobs = [job for job in batches.store.jobs() if not job.is_settled]
    if open_jobs:
        texts = sum(job.requests for job in open_jobs)
        watching.note(f"{len(open_jobs)} batches with {texts} texts are open: see papers batches")


def submit_days(settings: Settings, clock: Clock, days: Sequence[str]) -> "Submission":
    """Submit the texts that these days lack."""
    from papers_pipeline.wiring import stages_of

    return submit_wanted(settings, clock, dict.fromkeys(stages_of(settings), days))


def submit_wanted(
    settings: Settings, clock: Clock, wanted: Mapping[str, Sequence[str]]
) -> "Submission":
    """Submit the texts that these days of each asset lack."""
    from papers_pipeline.enrichment.by_batch import submit
    from papers_pipeline.wiring import lake_of, models_of, planner_of

    planner = planner_of(settings, clock)
    return submit(
        wanted,
        stages=planner.stages,
        lake=lake_of(settings),
        models=models_of(settings, clock),
        planner=planner,
    )


def print_submission(submission: "Submission", then: str) -> None:
    """What was submitted, what is left, and how to go on: by the command `then`."""
    for job in submission.refused:
        message = led_by(f"{job.model} takes no batch:", job.detail or "", style="red")
        err.print(message)
    for job in submission.jobs:
        if job in submission.refused:
            continue
        line = f"{job.model}: {job.requests:,} texts submitted as batch {job.id}, {_about(job)}"
        out.print(line, soft_wrap=True)
        if job.state == "submitting":
            out.print("  its creation broke off; it is looked for, and not created again")
    for model, texts in submission.live.items():
        if texts:
            line = f"{model}: {texts:,} texts left to a build, which asks live"
            out.print(line, soft_wrap=True)
    if submission.over_budget:
        out.print(f"{submission.over_budget:,} texts left: the day's budget does not cover them")
    if submission.unread:
        assets = ", ".join(sorted({asset for asset, _ in submission.unread}))
        out.print(f"Left to a build, which makes their input first: {assets}", soft_wrap=True)
    if any(not job.is_settled for job in submission.jobs):
        out.print(
            "A batch usually ends within an hour, at the latest after a day. papers batches shows "
            f"how far it is; {then} takes the answers.",
            soft_wrap=True,
        )
    elif not submission.jobs:
        out.print(f"Nothing was submitted. {then} builds what is left.", soft_wrap=True)


def print_jobs(jobs: Sequence["BatchJob"], clock: Clock) -> None:
    """A row per batch, oldest first."""
    if not jobs:
        out.print("No batch was submitted yet.")
        return
    table = new_table(("batch", "model", "state"), ("texts", "answered", "USD", "age"))
    for job in jobs:
        age_hours = (clock.now() - job.created_at).total_seconds() / 3600
        table.add_row(
            job.id,
            job.model,
            job.state,
            f"{job.requests:,}",
            f"{job.results.get('succeeded', 0):,}" if job.results else "–",
            _usd(job),
            f"{age_hours:.1f} h",
        )
    out.print(table)
    for job in jobs:
        endings = [f"{texts} {ending}" for ending, texts in job.results.items()]
        if len(endings) > 1 or job.detail:
            details = [", ".join(endings), job.detail or ""]
            line = ". ".join(part for part in details if part)
            err.print(f"{job.id}: {line}")


def _usd(job: "BatchJob") -> str:
    """What the answers cost, or should cost."""
    if job.state == "collected":
        return "–" if job.usd is None else f"{job.usd:.4f}"
    return "?" if job.estimated_usd is None else f"about {job.estimated_usd:.4f}"


def _about(job: "BatchJob") -> str:
    if job.estimated_usd is None:
        return "of unknown price"
    return f"about {job.estimated_usd:.4f} USD"
