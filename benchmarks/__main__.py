"""Measure the pipeline and print each figure as a ratio to its lower bound in the same run.

\b
    python -m benchmarks [ROW…] [--papers N] [--runs N] [--pdfs DIR] [--json FILE] [--docs]
    python -m benchmarks scaling [--json FILE] [--docs]

Rows: cold, warm, warm_ui, changed_prompt_30, backfill_20, start, parse, plan, site; by default all.
The numbers are days; others, as in backfill_558, run if they are named. `scaling` computes
docs/scaling.md from stored figures.
"""

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
from rich.console import Console

from benchmarks import reports
from benchmarks.backfill import backfill_row, changed_prompt_row
from benchmarks.bench import Bench
from benchmarks.cold_day import cold_day_row
from benchmarks.parsing import parse_row
from benchmarks.planning import plan_rows
from benchmarks.scaling import default_limits, figures, scaling_table
from benchmarks.scenario import ROOT
from benchmarks.start import start_rows
from benchmarks.table import HEADERS, Row, cells, markdown, print_rows
from benchmarks.warm_day import warm_day_row, warm_ui_row
from benchmarks.whole_site import site_rows

RESULTS = ROOT / "data" / "bench.json"
SCALING = "scaling"
ROWS: dict[str, Callable[[Bench], Iterable[Row]]] = {
    "cold": lambda bench: [cold_day_row(bench)],
    "warm": lambda bench: [warm_day_row(bench)],
    "warm_ui": lambda bench: [warm_ui_row(bench)],
    "start": start_rows,
    "parse": lambda bench: [parse_row(bench)],
    "plan": plan_rows,
    "site": site_rows,
}
ROWS_OF_DAYS: dict[str, Callable[[Bench, int], Row]] = {
    "changed_prompt": changed_prompt_row,
    "backfill": backfill_row,
}
DEFAULT = (
    "start",
    "parse",
    "plan",
    "site",
    "warm",
    "warm_ui",
    "cold",
    "changed_prompt_30",
    "backfill_20",
)
IN_README = ("cold", "warm", "warm_ui", "changed_prompt_30", "backfill_20", "backfill_558")
# A file or a pipe has no width: tables are not wrapped at the 80 columns of a terminal.
console = Console(highlight=False, width=None if sys.stdout.isatty() else 140)


class RowName(click.ParamType[str]):
    """The name of a row, or `scaling`."""

    name = "row"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        kind, _, days = value.rpartition("_")
        is_of_days = kind in ROWS_OF_DAYS and days.isdecimal()
        if value not in (*ROWS, SCALING) and not is_of_days:
            known = ", ".join([*ROWS, *(f"{kind}_DAYS" for kind in ROWS_OF_DAYS), SCALING])
            self.fail(f"no row {value!r}; there are {known}", param, ctx)
        return value


def measured_rows(bench: Bench, name: str) -> Iterable[Row]:
    """Measure the rows of a name."""
    if name in ROWS:
        return ROWS[name](bench)
    kind, _, days = name.rpartition("_")
    return [ROWS_OF_DAYS[kind](bench, int(days))]


@click.command(help=__doc__)
@click.argument("names", nargs=-1, metavar="[ROW]…", type=RowName())
@click.option("--papers", default=50, show_default=True, help="The papers of a single day.")
@click.option("--runs", type=int, help="Repetitions of each row; by default 3, or 1 if it is long.")
@click.option(
    "--pdfs",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A folder of PDFs to use in place of typeset samples.",
)
@click.option("--calls-per-minute", default=300, show_default=True, help="The limit in long rows.")
@click.option(
    "--old-script/--no-old-script",
    default=True,
    help="Whether the cold day also runs one call after another.",
)
@click.option(
    "--json",
    "results",
    type=click.Path(dir_okay=False, path_type=Path),
    default=RESULTS,
    help="The file of all figures; rows that do not run keep theirs.",
)
@click.option("--docs", is_flag=True, help="Also write README.md, docs/scaling.md and the picture.")
def main(
    names: Sequence[str],
    papers: int,
    runs: int | None,
    pdfs: Path | None,
    calls_per_minute: int,
    old_script: bool,
    results: Path,
    docs: bool,
) -> None:
    stored = json.loads(results.read_text(encoding="utf-8")) if results.exists() else {}
    if SCALING in names:
        print_scaling(stored, docs)
        return
    picture = reports.PICTURE if docs else results.with_name("cold_day.svg")
    measured: list[Row] = []
    failed: list[str] = []
    with TemporaryDirectory(prefix="papers-bench-") as folder:
        bench = Bench(
            folder=Path(folder),
            picture=picture,
            papers=papers,
            runs=runs,
            pdfs=pdfs,
            with_old_script=old_script,
            calls_per_minute=calls_per_minute,
        )
        for name in names or DEFAULT:
            console.print(f"[dim]{name}…[/dim]")
            try:
                rows = list(measured_rows(bench, name))
            except SystemExit as stop:  # the other rows are still worth their time
                console.print(f"{name}: {stop}", markup=False)
                failed.append(name)
                continue
            measured += rows
            stored[name] = [row.as_json() for row in rows]
            stored["start_seconds"] = bench.start_seconds
            stored["measured_at"] = datetime.now(UTC).isoformat(timespec="seconds")
            results.parent.mkdir(parents=True, exist_ok=True)
            results.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
    print_rows(measured, console)
    print_markdown(measured)
    if docs:
        reports.write_readme(stored_rows(stored, IN_README))
    console.print(f"\nAll figures: {results}. Where the cold day's time goes: {picture}")
    if failed:
        sys.exit(f"Not measured: {', '.join(failed)}")


def print_markdown(rows: Sequence[Row]) -> None:
    """Print the table once more, to paste it into a document."""
    console.print()
    console.print(markdown(HEADERS, [cells(row) for row in rows]), markup=False, soft_wrap=True)


def stored_rows(stored: Mapping[str, Any], names: Sequence[str]) -> list[Row]:
    """The rows of these names that the JSON has."""
    return [Row.from_json(row) for name in names for row in stored.get(name, [])]


def print_scaling(stored: Mapping[str, Any], docs: bool) -> None:
    """Print the table of docs/scaling.md from stored figures, and write it there with --docs."""
    table = scaling_table(figures(stored), default_limits())
    console.print(table, markup=False, soft_wrap=True)
    if docs:
        reports.write_scaling(table)


if __name__ == "__main__":
    main(prog_name="python -m benchmarks")
