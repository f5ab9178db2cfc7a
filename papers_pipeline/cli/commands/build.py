"""`papers build`."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from papers_pipeline.base.clock import Clock
from papers_pipeline.cli.price_question import tell_price
from papers_pipeline.cli.progress import PlainWatcher
from papers_pipeline.cli.terminal import current_clock, current_settings, fail, watcher
from papers_pipeline.listing.days import days_between, parse_day
from papers_pipeline.settings import Settings

if TYPE_CHECKING:
    from papers_pipeline.records import PlanRow
    from papers_pipeline.runner import DayReport, Runner

LATEST = "latest"


@click.command()
@click.option("--date", "day", metavar="D", help="YYYY-MM-DD, today, yesterday or latest (UTC).")
@click.option("--from", "first", metavar="A", help="The first day of a range.")
@click.option("--to", "last", metavar="B", help="The last day of a range.")
@click.option(
    "--only",
    multiple=True,
    metavar="ASSET…",
    help="Build only these assets of the day, nothing upstream of them.",
)
@click.option(
    "--batch",
    is_flag=True,
    help="Submit the texts as batches, at half the price, and return. Answers take up to a day.",
)
@click.option("--yes", is_flag=True, help="Do not ask before spending more than 1 USD.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts as one JSON object.")
@click.argument("more", nargs=-1, metavar="")
def build(
    day: str | None,
    first: str | None,
    last: str | None,
    only: tuple[str, ...],
    batch: bool,
    yes: bool,
    as_json: bool,
    more: tuple[str, ...],
) -> None:
    """Build a day, or every day of a range, through Dagster in one process.

    `latest` is the newest day with papers, at most 14 days back. Finished work is not repeated.
    """
    if more and not only:
        raise click.UsageError(f"unexpected argument {more[0]!r}: assets are named after --only")
    if batch and (only or as_json):
        raise click.UsageError("--batch submits whole days and prints no counts")
    settings, clock = current_settings(), current_clock()
    days = _days(day, first, last, clock)
    assets = _asset_names([*only, *more])
    from papers_pipeline.cli.batches import take_answers
    from papers_pipeline.cli.reports import print_reports
    from papers_pipeline.runner import AbsentInput, runner  # Dagster: a second --help need not wait

    watching = watcher(plain=as_json)
    with runner(settings, clock, watching) as builder, watching:
        _require_known(assets, builder.day_assets)
        chosen = days or [_latest(builder, watching)]
        take_answers(settings, clock, watching)

        def ask() -> None:
            tell_price(_planned(settings, clock, chosen), yes, watching, by_batch=batch)

        try:
            if batch:
                reports = builder.read_days(chosen, ask)
            elif assets:
                reports = builder.build_only(chosen, assets)
            else:
                reports = builder.build(chosen, ask)
        except AbsentInput as error:
            raise click.UsageError(str(error)) from None
    is_refused = False
    if batch:
        is_refused = not _submit(settings, clock, reports)
    elif as_json:
        _print_json(reports)
    else:
        print_reports(reports, settings)
    if is_refused or any(report.failed for report in reports):
        sys.exit(1)


def _submit(settings: Settings, clock: Clock, reports: Sequence["DayReport"]) -> bool:
    """Submit the texts of the days that were read, and say so; whether no batch was refused."""
    from papers_pipeline.cli.batches import print_submission, submit_days
    from papers_pipeline.cli.reports import print_faults

    read = [str(report.date) for report in reports if report.error is None]
    submission = submit_days(settings, clock, read)
    print_faults(reports)
    if len(reports) == 1:
        then = f"papers build --date {reports[0].date}"
    else:
        then = f"papers build --from {reports[0].date} --to {reports[-1].date}"
    print_submission(submission, then)
    return not submission.refused


def _days(day: str | None, first: str | None, last: str | None, clock: Clock) -> list[date] | None:
    """The days that the options name; None for `latest`."""
    is_range = bool(first or last)
    if bool(day) == is_range or bool(first) != bool(last):
        raise click.UsageError("name a day with --date, or a range with --from and --to")
    if day == LATEST:
        return None
    try:
        if day:
            return [parse_day(day, clock)]
        return days_between(parse_day(str(first), clock), parse_day(str(last), clock))
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _asset_names(given: Sequence[str]) -> list[str]:
    """The asset names in these arguments, each of which may hold several, with commas."""
    return [name for name in ",".join(given).split(",") if name]


def _require_known(assets: Sequence[str], known: Sequence[str]) -> None:
    unknown = [name for name in assets if name not in known]
    if unknown:
        raise click.UsageError(f"no asset named {', '.join(unknown)}; a day has {', '.join(known)}")


def _latest(builder: "Runner", watching: PlainWatcher) -> date:
    newest = builder.latest()
    if newest is None:
        fail("none of the last 14 days has papers, or no list can be fetched: see `papers doctor`")
    watching.note(f"latest is {newest}")
    return newest


def _planned(settings: Settings, clock: Clock, days: Sequence[date]) -> list["PlanRow"]:
    """The calls that a model can answer which these days lack."""
    from papers_pipeline.wiring import planner_of

    rows = planner_of(settings, clock).plan(min(days), max(days))
    return [row for row in rows if row.model and date.fromisoformat(row.day) in days]


def _print_json(reports: Sequence["DayReport"]) -> None:
    days = []
    for report in reports:
        assets: dict[str, dict[str, Any]] = {}
        for name, counts in report.assets.items():
            assets[name] = asdict(counts)
            if name in report.spent:
                assets[name] |= asdict(report.spent[name])
        days.append(
            {
                "date": report.date.isoformat(),
                "state": report.state,
                "papers": report.papers,
                "seconds": report.seconds,
                "error": report.error,
                "closed": report.closed,
                "assets": assets,
            }
        )
    click.echo(json.dumps({"days": days}, ensure_ascii=False, indent=1))
