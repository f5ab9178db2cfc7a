"""`papers redo`."""

import click

from papers_pipeline.cli.price_question import tell_price
from papers_pipeline.cli.terminal import current_clock, current_settings, watcher


@click.command()
@click.argument("arxiv_id")
@click.option(
    "--only", "asset", required=True, metavar="ASSET", help="The asset whose answer is replaced."
)
@click.option("--yes", is_flag=True, help="Do not ask before spending more than 1 USD.")
def redo(arxiv_id: str, asset: str, yes: bool) -> None:
    """Ask a model again about one paper, and rebuild the pages of every day that lists it.

    The old answer is kept beside the new one. If no model gives a new answer, it stays in force.
    Texts of these days that the asset lacks, or that a changed prompt made stale, are bought too.
    """
    settings, clock = current_settings(), current_clock()
    from papers_pipeline.cli.redo import bought_too
    from papers_pipeline.cli.redo import redo as redo_paper
    from papers_pipeline.cli.reports import print_reports
    from papers_pipeline.runner import runner

    watching = watcher(plain=True)
    with runner(settings, clock, watching) as builder:
        others = bought_too(settings, clock, builder.lake, arxiv_id, asset)
        if others:
            watching.note(f"{asset}: the texts of the same days that are stale or missing come too")
            tell_price(others, yes, watching)
        reports = redo_paper(settings, clock, builder, arxiv_id, asset)
    print_reports(reports, settings)
