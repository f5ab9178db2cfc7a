"""`papers batches`."""

import click

from papers_pipeline.cli.terminal import current_clock, current_settings, fail, out, watcher


@click.command()
@click.option(
    "--forget",
    "job_id",
    metavar="BATCH",
    help="Give an unfinished batch up, so that its texts can be bought again.",
)
def batches(job_id: str | None) -> None:
    """Ask the providers about open batches, store the answers, and list all batches.

    `papers build --batch` and `papers refresh --batch` submit them.
    """
    from papers_pipeline.cli.batches import print_jobs, take_answers
    from papers_pipeline.llm.batches import NoSuchBatch
    from papers_pipeline.wiring import models_of

    settings, clock = current_settings(), current_clock()
    known = models_of(settings, clock).batches
    if job_id:
        with known.held():
            try:
                job = known.forget(job_id)
            except NoSuchBatch:
                fail(f"no unfinished batch {job_id}: see papers batches", status=2)
        out.print(
            f"{job.id} is forgotten. Its {job.requests} texts can be bought again; "
            "the provider may still charge for it.",
            soft_wrap=True,
        )
        return
    take_answers(settings, clock, watcher(plain=True))
    print_jobs(known.store.jobs(), clock)
