"""`papers setup-coordination`."""

import click

from papers_pipeline.cli.terminal import current_settings, out


@click.command("setup-coordination")
def setup_coordination() -> None:
    """Make the tables in the database of PAPERS_COORDINATION_URL, or bring them up to date.

    It may be run again, also on several machines at once. Exit status: 2 if the setting is unset.
    """
    from papers_pipeline.wiring import coordination_of

    settings = current_settings()
    if not settings.coordination_url:
        raise click.UsageError(
            "PAPERS_COORDINATION_URL is unset: the processes of one machine need no tables"
        )
    coordination = coordination_of(settings)
    for name in coordination.set_up():
        out.print(f"ran {name}")
    out.print(coordination.examine(), soft_wrap=True)
