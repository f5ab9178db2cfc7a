"""`papers plan`."""

import json
from typing import TYPE_CHECKING

import click

from papers_pipeline.base.clock import Clock
from papers_pipeline.cli.terminal import as_usage, current_clock, current_settings, first_and_last
from papers_pipeline.settings import Settings

if TYPE_CHECKING:
    from papers_pipeline.records import PlanRow

FIRST_DAY = "The first day; by default the oldest that was built."
LAST_DAY = "The last day; by default the newest that was built."


@click.command()
@click.option("--from", "first", metavar="A", help=FIRST_DAY)
@click.option("--to", "last", metavar="B", help=LAST_DAY)
@click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object, a row per asset and day."
)
def plan(first: str | None, last: str | None, as_json: bool) -> None:
    """Print what is out of date, how many calls are left, and about what they cost."""
    from papers_pipeline.cli.reports import print_plan

    rows = planned(current_settings(), current_clock(), first, last)
    if as_json:
        dumped = [row.model_dump(mode="json") for row in rows]
        click.echo(json.dumps({"rows": dumped}, ensure_ascii=False, indent=1))
    else:
        print_plan(rows)


def planned(
    settings: Settings, clock: Clock, first: str | None, last: str | None
) -> list["PlanRow"]:
    """The plan of the days that the options name."""
    from papers_pipeline.wiring import planner_of, viewed

    days = first_and_last(first, last, clock)
    with viewed(settings):
        return as_usage(lambda: planner_of(settings, clock)).plan(*days)
