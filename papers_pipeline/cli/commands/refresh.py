"""`papers refresh`."""

import sys

import click

from papers_pipeline.cli.commands.plan import FIRST_DAY, LAST_DAY, planned
from papers_pipeline.cli.terminal import agree, current_clock, current_settings, watcher


@click.command()
@click.option("--from", "first", metavar="A", help=FIRST_DAY)
@click.option("--to", "last", metavar="B", help=LAST_DAY)
@click.option(
    "--batch",
    is_flag=True,
    help="Submit the texts as batches, at half the price, and return. Answers take up to a day.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
def refresh(first: str | None, last: str | None, batch: bool, yes: bool) -> None:
    """Rebuild the assets that a changed prompt made stale, with their issues and pages."""
    from papers_pipeline.cli.batches import print_submission, submit_wanted, take_answers
    from papers_pipeline.cli.reports import print_plan, print_reports
    from papers_pipeline.enrichment.plan import known_usd, known_usd_by_batch, to_refresh
    from papers_pipeline.wiring import planner_of

    settings, clock = current_settings(), current_clock()
    take_answers(settings, clock, watcher(plain=True))
    rows = planned(settings, clock, first, last)
    print_plan(rows)
    wanted = to_refresh(rows)
    if not wanted:
        return
    chosen = [row for row in rows if row.day in wanted.get(row.asset, ())]
    live_usd, batch_usd = known_usd(chosen), known_usd_by_batch(chosen)
    if batch:
        agree(f"Submit these for about {batch_usd:.4f} USD?", yes)
        submission = submit_wanted(settings, clock, wanted)
        print_submission(submission, "papers refresh")
        sys.exit(1 if submission.refused else 0)
    agree(f"Refresh these for about {live_usd:.4f} USD, {batch_usd:.4f} by batch?", yes)
    assets = planner_of(settings, clock).refresh_assets(wanted)
    from papers_pipeline.runner import runner

    watching = watcher()
    with runner(settings, clock, watching) as builder, watching:
        reports = builder.refresh(assets)
    print_reports(reports, settings)
    if any(report.failed for report in reports):
        sys.exit(1)
