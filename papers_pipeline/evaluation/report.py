"""The result of an evaluation: figures, counts of faults by rule, and the faults of each answer."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Literal

from papers_pipeline.base.faults import Fault

Kind = Literal["count", "share", "number"]


@dataclass(frozen=True)
class Figure:
    """One figure of an evaluation.

    `name` is its key in JSON and `label` its row in a table. `value` is a count, a share from 0 to
    1, or a number; None if there was nothing to measure. A share that counts things says of how
    many.
    """

    name: str
    label: str
    value: float | None
    kind: Kind = "number"
    of: int | None = None

    def __str__(self) -> str:
        if self.value is None:
            return "–"
        if self.kind == "share":
            return f"{self.value:.1%}"
        return f"{self.value:g}" if self.kind == "count" else f"{self.value:.1f}"


def count(name: str, label: str, value: int) -> Figure:
    """A figure that counts."""
    return Figure(name, label, value, "count")


def share(name: str, label: str, part: int, whole: int) -> Figure:
    """The share `part` of `whole`; without a value if `whole` is 0."""
    return Figure(name, label, part / whole if whole else None, "share", whole)


def middle(name: str, label: str, values: Sequence[float], kind: Kind = "number") -> Figure:
    """The median of the values; without a value if there are none."""
    return Figure(name, label, median(values) if values else None, kind)


@dataclass
class Report:
    """What an evaluation found about the answers of one `source`.

    `faults` has the faults of each answer that has any, by arXiv id.
    """

    source: str
    figures: list[Figure] = field(default_factory=list)
    faults: dict[str, list[Fault]] = field(default_factory=dict)

    def by_rule(self) -> Mapping[tuple[str, str], int]:
        """The number of answers that break each rule, by severity and rule."""
        counts: Counter[tuple[str, str]] = Counter()
        for faults in self.faults.values():
            counts.update({(fault.severity, fault.rule) for fault in faults})
        return dict(sorted(counts.items()))

    def as_json(self) -> dict[str, Any]:
        """The report as a JSON object."""
        faults: dict[str, list[dict[str, str]]] = {}
        for arxiv_id, found in self.faults.items():
            faults[arxiv_id] = []
            for fault in found:
                fields = {"rule": fault.rule, "severity": fault.severity, "message": fault.message}
                faults[arxiv_id].append(fields)
        rules = []
        for (severity, rule), answers in self.by_rule().items():
            rules.append({"severity": severity, "rule": rule, "answers": answers})
        figures: dict[str, Any] = {}
        for figure in self.figures:
            figures[figure.name] = figure.value
        return {"source": self.source, "figures": figures, "rules": rules, "faults": faults}
