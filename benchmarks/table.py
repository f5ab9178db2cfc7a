"""The rows of the bench, as a table for the terminal, for Markdown and as JSON."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any, Self

from rich.console import Console
from rich.table import Table

HEADERS = ("row", "seconds", "lower bound", "ratio", "against the old script", "memory")


@dataclass
class Row:
    """One measurement and its repetitions.

    - `seconds`: of each repetition.
    - `bound_seconds`: the lower bound in each repetition.
    - `bound`: how the bound is made up.
    - `old_seconds`: the same work one call after another, as the old script did it.
    - `facts`: everything else, by name.
    """

    name: str
    bound: str
    seconds: list[float] = field(default_factory=list)
    bound_seconds: list[float] = field(default_factory=list)
    old_seconds: float | None = None
    peak_bytes: int | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def ratios(self) -> list[float]:
        """Seconds by the bound, in each repetition."""
        pairs = zip(self.seconds, self.bound_seconds, strict=True)
        return [seconds / bound for seconds, bound in pairs]

    def add(self, seconds: float, bound_seconds: float, peak_bytes: int = 0) -> None:
        """Add a repetition."""
        self.seconds.append(seconds)
        self.bound_seconds.append(bound_seconds)
        if peak_bytes:
            self.peak_bytes = max(self.peak_bytes or 0, peak_bytes)

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"ratios": self.ratios}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """The row that `as_json` wrote."""
        return cls(**{name: value for name, value in stored.items() if name != "ratios"})


def cells(row: Row) -> tuple[str, ...]:
    """A row's cells in the order of `HEADERS`."""
    old = ""
    if row.old_seconds:
        old = f"{row.old_seconds / median(row.seconds):.1f} × faster"
    memory = f"{row.peak_bytes / 1e6:.0f} MB" if row.peak_bytes else ""
    return (
        row.name,
        spread(row.seconds),
        short(median(row.bound_seconds)),
        f"{spread(row.ratios)} ×",
        old,
        memory,
    )


def spread(values: Sequence[float]) -> str:
    """The median, and the smallest and largest value if there are several."""
    middle = short(median(values))
    if len(values) == 1:
        return middle
    return f"{middle} ({short(min(values))} to {short(max(values))})"


def short(value: float) -> str:
    """A number with three digits, or all of those before the point."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def markdown(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the first column is aligned left, the others right."""
    lines = [f"| {' | '.join(headers)} |", f"|{'|'.join(['---', *['--:'] * (len(headers) - 1)])}|"]
    for row in rows:
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines)


def print_rows(rows: Sequence[Row], console: Console) -> None:
    """Print the table, and under it how each bound is made up and what else was measured."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for number, header in enumerate(HEADERS):
        table.add_column(header, justify="right" if number else "left")
    for row in rows:
        table.add_row(*cells(row))
    console.print(table)
    for row in rows:
        facts = []
        for name, value in row.facts.items():
            facts.append(f"{name} {short(value) if isinstance(value, float) else value}")
        console.print(f"\n[bold]{row.name}[/bold]: bound = {row.bound}", soft_wrap=True)
        if facts:
            console.print("; ".join(facts), soft_wrap=True, markup=False)
