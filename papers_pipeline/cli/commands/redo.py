"""`papers redo`."""

from typing import TYPE_CHECKING

import click

from papers_pipeline.cli.price_question import tell_price
from papers_pipeline.cli.terminal import current_clock, current_settings, watcher

if TYPE_CHECKING:
    from papers_pipeline.records import PlanRow


@click.command()
@click.argument("arxiv_id")
@click.option(
    "--only", "asset", required=True, metavar="ASSET", help="The asset whose answer is replaced."
)
@click.option("--yes", is_flag=True, help="Do not ask before spending more than 1 USD.")
def redo(arxiv_id: str, asset: str, yes: bool) -> None:
    """Ask a model again about one paper, and rebuild the pages of every day that lists it.

    The old answer is kept beside the new one. If no model gives a new answer, it stays in force.
    What is missing or stale on these days, in the asset or those that read it, is bought too.
    """
    settings, clock = current_settings(), current_clock()
    from papers_pipeline.cli.redo import redo as redo_paper
    from papers_pipeline.cli.reports import print_reports
    from papers_pipeline.runner import runner

    watching = watcher(plain=True)

    def ask(others: list["PlanRow"]) -> None:
        watching.note(f"{asset}: the texts of the same days that are stale or missing come too")
        tell_price(others, yes, watching)

    with runner(settings, clock, watching) as builder:
        reports = redo_paper(settings, clock, builder, arxiv_id, asset, ask)
    print_reports(reports, settings)
