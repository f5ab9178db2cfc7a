"""`papers redo`."""

import click

from papers_pipeline.cli.terminal import current_clock, current_settings, watcher


@click.command()
@click.argument("arxiv_id")
@click.option(
    "--only", "asset", required=True, metavar="ASSET", help="The asset whose answer is replaced."
)
def redo(arxiv_id: str, asset: str) -> None:
    """Ask a model again about one paper, and rebuild the pages of every day that lists it.

    The old answer is kept beside the new one. If no model gives a new answer, it stays in force.
    """
    settings, clock = current_settings(), current_clock()
    from papers_pipeline.cli.redo import redo as redo_paper
    from papers_pipeline.cli.reports import print_reports
    from papers_pipeline.runner import runner

    with runner(settings, clock, watcher(plain=True)) as builder:
        reports = redo_paper(settings, clock, builder, arxiv_id, asset)
    print_reports(reports, settings)
