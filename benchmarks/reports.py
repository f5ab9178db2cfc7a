"""Writes figures into the documents, between two comments that mark their place."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.scenario import ROOT
from benchmarks.table import HEADERS, Row, cells, markdown

README = ROOT / "README.md"
SCALING = ROOT / "docs" / "scaling.md"
PICTURE = ROOT / "docs" / "images" / "cold_day.svg"
README_COLUMNS = 5
"""Of the README's table: all but the memory."""
BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"


def write_readme(rows: Sequence[Row]) -> None:
    """Replace the table of the README."""
    shown = [cells(row)[:README_COLUMNS] for row in rows]
    replace_marked(README, markdown(HEADERS[:README_COLUMNS], shown))


def write_scaling(table: str) -> None:
    """Replace the table of docs/scaling.md."""
    replace_marked(SCALING, table)


def replace_marked(path: Path, text: str) -> None:
    """Replace what stands between the two comments of a file."""
    content = path.read_text(encoding="utf-8")
    before, begin, rest = content.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{path} has no place for the figures: {BEGIN} and {END}")
    path.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")
