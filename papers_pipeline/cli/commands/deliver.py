"""`papers deliver`."""

import sys
from collections.abc import Collection
from typing import TYPE_CHECKING

import click

from papers_pipeline.base.clock import Clock
from papers_pipeline.cli.terminal import (
    as_usage,
    current_clock,
    current_settings,
    err,
    fail,
    out,
    rule,
    watcher,
)
from papers_pipeline.listing.days import parse_day
from papers_pipeline.settings import Settings

if TYPE_CHECKING:
    from papers_pipeline.delivery.channel import Channel
    from papers_pipeline.delivery.courier import Courier, Report
    from papers_pipeline.records import DailyIssue


@click.command()
@click.option("--channel", "name", required=True, metavar="X", help="telegram, email or apprise.")
@click.option(
    "--date", "day", required=True, metavar="D", help="YYYY-MM-DD, today or yesterday (UTC)."
)
@click.option("--language", metavar="L", help="Only in this language; by default in all.")
@click.option("--only", multiple=True, metavar="KEY", help="Only this message; see its warning.")
@click.option("--dry-run", is_flag=True, help="Print what would go out, and send nothing.")
@click.option("--again", is_flag=True, help="Send even what was sent before, or may have been.")
def deliver(
    name: str, day: str, language: str | None, only: tuple[str, ...], dry_run: bool, again: bool
) -> None:
    """Send a built day over a channel: what was not sent yet, and changes of what can be edited.

    Builds do the same by themselves. Exit status: 1 if a message failed or is in doubt, 2 if there
    is no such channel, language or day.
    """
    from papers_pipeline.wiring import coordination_of, courier_of

    settings, clock = current_settings(), current_clock()
    channel = _channel(settings, clock, name)
    if language and language not in channel.languages:
        raise click.UsageError(f"{name} is set for {', '.join(channel.languages)}")
    issue = _issue(settings, clock, day)
    courier = courier_of(settings, clock)
    languages = [language] if language else []
    if dry_run:
        _print_messages(courier, channel, issue, languages, only)
        return
    with coordination_of(settings).held(str(issue.date), on_wait=watcher(plain=True).note):
        report, _ = courier.deliver(channel, issue, languages, again=again, only=only)
    _print_report(report)


def _channel(settings: Settings, clock: Clock, name: str) -> "Channel":
    from papers_pipeline.wiring import channels_of

    channels = {channel.name: channel for channel in as_usage(lambda: channels_of(settings, clock))}
    if name not in channels:
        known = ", ".join(channels) or "none"
        raise click.UsageError(
            f"the channel {name} is not configured; these are: {known} (docs/delivery.md)"
        )
    return channels[name]


def _issue(settings: Settings, clock: Clock, day: str) -> "DailyIssue":
    from papers_pipeline.records import DailyIssue
    from papers_pipeline.wiring import lake_of

    try:
        date = parse_day(day, clock)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    issues = lake_of(settings).read("daily_issue", str(date), DailyIssue)
    if not issues:
        fail(f"{date} was never built: papers build --date {date}", status=2)
    return issues[0]


def _print_messages(
    courier: "Courier",
    channel: "Channel",
    issue: "DailyIssue",
    languages: Collection[str],
    only: Collection[str],
) -> None:
    """Print the messages of a day as they would go out, and why they would not."""
    for digest in courier.digests(channel, issue):
        if languages and digest.language not in languages:
            continue
        reason = courier.why_not(channel, digest)
        if reason:
            err.print(f"{digest.language} would not go out now: {reason}", soft_wrap=True)
        if not digest.papers:
            continue
        for message in channel.compose(digest):
            if only and message.key not in only:
                continue
            rule(f"{channel.name} {message.language} {message.key}")
            out.print(channel.shown(message), soft_wrap=True)


def _print_report(report: "Report") -> None:
    out.print(str(report))
    for language, reason in report.waits.items():
        out.print(f"{language} does not go out now: {reason}", soft_wrap=True)
    for line in [*report.failures, *report.doubts]:
        err.print(line, soft_wrap=True)
    if not report.is_fine:
        sys.exit(1)
