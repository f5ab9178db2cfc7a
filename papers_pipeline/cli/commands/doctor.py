"""`papers doctor`."""

import sys

import click
from rich.table import Table
from rich.text import Text

from papers_pipeline.cli.terminal import current_clock, current_settings, out

MARKS = {"ok": Text("ok", "green"), "unset": Text("–", "dim"), "wrong": Text("wrong", "red")}


@click.command()
def doctor() -> None:
    """Check the settings, today's list, and every configured model.

    Each model gets one tiny question, which costs a fraction of a cent. Exit status 1 if something
    is wrong. No secret is printed.
    """
    from papers_pipeline.cli.doctor import examine

    findings = examine(current_settings(), current_clock())
    table = Table(box=None, show_header=False, pad_edge=False)
    for finding in findings:
        table.add_row(MARKS[finding.state], finding.subject, finding.detail)
    out.print(table)
    if any(finding.state == "wrong" for finding in findings):
        sys.exit(1)
