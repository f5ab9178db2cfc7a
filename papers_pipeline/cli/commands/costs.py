"""`papers costs`."""

import json
from typing import Any

import click

from papers_pipeline.cli.terminal import (
    current_clock,
    current_settings,
    first_and_last,
    new_table,
    out,
)


@click.command()
@click.option(
    "--from", "first", metavar="A", help="The first UTC day; by default the first of all."
)
@click.option("--to", "last", metavar="B", help="The last UTC day; by default today.")
@click.option("--json", "as_json", is_flag=True, help="Print the rows as one JSON object.")
def costs(first: str | None, last: str | None, as_json: bool) -> None:
    """Print what was spent on models, by day, asset, model, and prompt version.

    A price with "?" lacks calls of unknown price, one with "~" has calls that are estimated or
    unsettled. The lines below count these, and the texts of these days that say something their
    source does not.
    """
    from papers_pipeline.enrichment.unverified import unverified_texts
    from papers_pipeline.llm.costs import costs as sum_up
    from papers_pipeline.wiring import lake_of, models_of, stages_of

    settings, clock = current_settings(), current_clock()
    span = first_and_last(first, last, clock)
    rows = sum_up(models_of(settings, clock).ledger, *span)
    unverified = unverified_texts(lake_of(settings), list(stages_of(settings).values()), *span)
    if as_json:
        content = {"rows": rows, "unverified_texts": unverified}
        click.echo(json.dumps(content, ensure_ascii=False, indent=1))
        return
    table = new_table(("day", "asset", "model", "version"), ("calls", "tokens", "USD"))
    calls, tokens, usd, estimated, unsettled = 0, 0, 0.0, 0, 0
    for row in rows:
        row_tokens = row["input_tokens"] + row["output_tokens"]
        table.add_row(
            row["day"],
            row["asset"],
            row["model"],
            row["prompt_version"],
            f"{row['calls']:,}",
            f"{row_tokens:,}",
            f"{row['usd']:.4f}{_marks(row)}",
        )
        calls += row["calls"]
        tokens += row_tokens
        usd += row["usd"]
        estimated += row["estimated"]
        unsettled += row["unsettled"]
    table.add_row("", "", "", "", f"{calls:,}", f"{tokens:,}", f"{usd:.4f}", style="bold")
    out.print(table)
    if estimated:
        out.print(f"estimated calls: {estimated:,} (their providers report no tokens)")
    if unsettled:
        out.print(
            f"unsettled calls: {unsettled:,} (sent, without a known end; at their highest price)"
        )
    out.print(f"unverified texts: {unverified:,}")


def _marks(row: dict[str, Any]) -> str:
    """What is to be known about the price of a row."""
    unpriced = "?" if row["unpriced"] else ""
    uncertain = "~" if row["estimated"] or row["unsettled"] else ""
    return unpriced + uncertain
