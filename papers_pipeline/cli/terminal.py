"""Helpers of all commands: consoles, settings, clock, questions, tables and errors."""

import sys
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, NoReturn, TypeVar

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from papers_pipeline.base.characters import printable
from papers_pipeline.base.clock import Clock
from papers_pipeline.base.errors import OperatorError
from papers_pipeline.cli.progress import PlainWatcher, TerminalWatcher
from papers_pipeline.listing.days import parse_day
from papers_pipeline.settings import Settings, load_settings

Result = TypeVar("Result")


class Terminal(Console):
    """Prints texts as they are: those of others are no markup, and steer no terminal."""

    def __init__(self, *, stderr: bool = False, width: int | None = None) -> None:
        super().__init__(stderr=stderr, width=width, highlight=False)

    def render_str(self, text: str, **options: Any) -> Text:
        options |= {"markup": False, "emoji": False}
        return super().render_str(printable(text), **options)


# A file or a pipe has no width: its tables are not wrapped at the 80 columns of a terminal.
out = Terminal(width=None if sys.stdout.isatty() else 120)
err = Terminal(stderr=True)


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
    err.print(led_by("Error:", message, style="red"), soft_wrap=True)
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
    out.rule(Text(printable(title), "bold"), align="left", style="dim")


def led_by(lead: str, text: str = "", *, style: str = "bold") -> Text:
    """A line whose first words are styled."""
    return Text.assemble((printable(lead), style), f" {printable(text)}" if text else "")
