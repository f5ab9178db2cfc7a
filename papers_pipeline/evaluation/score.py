"""Precision and recall of names that were found, against those that were expected."""

from collections.abc import Set
from dataclasses import dataclass


@dataclass
class Score:
    """Counts of found, right, and expected names."""

    found: int = 0
    right: int = 0
    expected: int = 0

    @property
    def precision(self) -> float:
        """The share of the found names that are right, 1 if none was found."""
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """The share of the expected names that were found, 1 if none was expected."""
        return self.right / self.expected if self.expected else 1.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0

    def add(self, found: Set[str], expected: Set[str], ignored: Set[str] = frozenset()) -> None:
        """Count one paper's names. `ignored` names are neither expected nor wrong."""
        self.found += len(found - ignored)
        self.right += len(found & expected)
        self.expected += len(expected)
