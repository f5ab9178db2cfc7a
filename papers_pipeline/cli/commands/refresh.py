"""`papers refresh`."""

import sys

import click

from papers_pipeline.cli.commands.plan import FIRST_DAY, LAST_DAY, planned
from papers_pipeline.cli.terminal import agree, current_clock, current_settings, watcher


@click.command()
@click.option("--from", "first", metavar="A", help=FIRST_DAY)
@click.option("--to", "last", metavar="B", help=LAST_DAY)
@click.option("--yes", is_flag=True, help="Do not ask.")
def refresh(first: str | None, last: str | None, yes: bool) -> None:
    """Rebuild the assets that a changed prompt made stale, with their issues and pages."""
    from papers_pipeline.cli.reports import print_plan, print_reports
    from papers_pipeline.enrichment.plan import known_usd, to_refresh
    from papers_pipeline.wiring import planner_of

    settings, clock = current_settings(), current_clock()
    rows = planned(settings, clock, first, last)
    print_plan(rows)
    wanted = to_refresh(rows)
    if not wanted:
        return
    chosen = [row for row in rows if row.day in wanted.get(row.asset, ())]
    agree(f"Refresh these for about {known_usd(chosen):.4f} USD?", yes)
    assets = planner_of(settings, clock).refresh_assets(wanted)
    from papers_pipeline.runner import runner

    watching = watcher()
    with runner(settings, clock, watching) as builder, watching:
        reports = builder.refresh(assets)
    print_reports(reports, settings)
    if any(report.failed for report in reports):
        sys.exit(1)
