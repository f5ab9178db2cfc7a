"""`papers worker`."""

import click

from papers_pipeline.cli.terminal import as_usage, current_settings, out


@click.command()
@click.option(
    "--runs", type=click.IntRange(min=1), default=2, show_default=True, help="Runs at once."
)
@click.option("--name", default="papers", show_default=True, help="Set it if a machine has two.")
def worker(runs: int, name: str) -> None:
    """Build the days that the daemon of several machines hands out.

    Asked to stop (SIGTERM or Ctrl+C), it ends its days first; asked twice, it stops at once.
    """
    from papers_pipeline import home

    settings = current_settings()
    if not settings.coordination_url:
        raise click.UsageError("PAPERS_COORDINATION_URL is unset: workers share it with the daemon")
    with home.instance(settings) as instance:
        # After the instance, whose launcher says what is not installed.
        from papers_pipeline.workers.release import release_of
        from papers_pipeline.workers.worker import work

        out.print(f"this machine has {as_usage(lambda: release_of(settings))}", soft_wrap=True)
        work(settings, instance, name, runs)
