"""Counts what the guardrails find in texts, as figures."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from papers_pipeline.base.faults import Fault
from papers_pipeline.evaluation.report import Figure, count, share
from papers_pipeline.llm.verdict import of_severity


@dataclass
class FaultCounts:
    """Counts over the texts so far.

    `stated` are the numbers and names in the texts, `unknown` those that their sources lack.
    """

    texts: int = 0
    refused: int = 0
    repaired: int = 0
    unverified: int = 0
    styled: int = 0
    style_faults: int = 0
    unknown: dict[str, int] = field(default_factory=lambda: {"number": 0, "name": 0})
    stated: dict[str, int] = field(default_factory=lambda: {"number": 0, "name": 0})

    def add(
        self, faults: Sequence[Fault], against_nothing: Sequence[Fault], repairs: Sequence[str]
    ) -> None:
        """Add a text. Measured against an empty source, its every number and name is a fault."""
        style = of_severity(faults, "style")
        self.texts += 1
        self.refused += bool(of_severity(faults, "fatal"))
        self.repaired += bool(repairs)
        self.unverified += bool(of_severity(faults, "unverified"))
        self.styled += bool(style)
        self.style_faults += len(style)
        for rule in self.unknown:
            self.unknown[rule] += sum(fault.rule == rule for fault in faults)
            self.stated[rule] += sum(fault.rule == rule for fault in against_nothing)

    def figures(self) -> list[Figure]:
        """The figures, in the order of the table."""
        texts = self.texts
        numbers, names = self.stated["number"], self.stated["name"]
        known_numbers = numbers - self.unknown["number"]
        known_names = names - self.unknown["name"]
        return [
            count("texts", "texts", texts),
            share("refused", "refused", self.refused, texts),
            share("repaired", "repaired", self.repaired, texts),
            share("unverified", "with an unverified number or name", self.unverified, texts),
            share("style", "with a fault of style", self.styled, texts),
            Figure(
                "style_faults",
                "faults of style in 100 texts",
                100 * self.style_faults / texts if texts else None,
                "number",
                texts,
            ),
            share("number_precision", "numbers that the source has", known_numbers, numbers),
            share("name_precision", "names that the source has", known_names, names),
        ]
