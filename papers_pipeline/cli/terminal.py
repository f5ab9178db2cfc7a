"""Helpers of all commands: consoles, settings, clock, questions, tables and errors."""

import sys
from collections.abc import Callable, Sequence
from datetime import date
from typing import NoReturn, TypeVar

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from papers_pipeline.base.clock import Clock
from papers_pipeline.base.errors import OperatorError
from papers_pipeline.cli.progress import PlainWatcher, TerminalWatcher
from papers_pipeline.listing.days import parse_day
from papers_pipeline.settings import Settings, load_settings

Result = TypeVar("Result")

# A file or a pipe has no width: its tables are not wrapped at the 80 columns of a terminal.
out = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
err = Console(stderr=True, highlight=False)


def current_settings() -> Settings:
    """The settings in force. Invalid settings are reported as bad usage."""
    return as_usage(load_settings)


def current_clock() -> Clock:
    """The real clock, or the one that the demo or a test passed as click's context object."""
    clock = click.get_current_context().find_object(Clock)
    return Clock() if clock is None else clock


def as_usage(make: Callable[[], Result]) -> Result:
    """The result of `make`. An OperatorError is reported as bad usage."""
    try:
        return make()
    except OperatorError as error:
        raise click.UsageError(str(error)) from None


def fail(message: str, status: int = 1) -> NoReturn:
    """Print an error and exit."""
    err.print(f"[red]Error:[/red] {escape(message)}", markup=True, soft_wrap=True)
    sys.exit(status)


def agree(question: str, yes: bool) -> None:
    """Go on only if the operator agrees, by --yes or at the terminal."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError(f"{question} There is no terminal to ask at: add --yes")
    click.confirm(question, abort=True)


def watcher(*, plain: bool = False) -> PlainWatcher:
    """Bars on a terminal, plain lines anywhere else, both on stderr."""
    return TerminalWatcher(err) if err.is_terminal and not plain else PlainWatcher(err)


def first_and_last(
    first: str | None, last: str | None, clock: Clock
) -> tuple[date | None, date | None]:
    """The days that two options name."""
    try:
        first_day = parse_day(first, clock) if first else None
        last_day = parse_day(last, clock) if last else None
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    return first_day, last_day


def new_table(left: Sequence[str], right: Sequence[str] = ()) -> Table:
    """An empty table with these columns, aligned left and right."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in left:
        table.add_column(name, no_wrap=True)
    for name in right:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def rule(title: str) -> None:
    """Print a heading."""
    out.rule(f"[bold]{escape(title)}[/bold]", align="left", style="dim")
