"""Checks of one day's rows, free of Dagster: `defs/checks.py` turns them into asset checks."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, get_args

from papers_pipeline.records import Enrichment, StageRow, UnaskableReason
from papers_pipeline.text.languages import UNDETERMINED, language_of


@dataclass(frozen=True)
class Finding:
    """The result of a check: ERROR if `is_error`, else WARN, unless it passed.

    `rows` are the papers it complains about; `notes` are figures and remarks for the UI.
    """

    passed: bool
    is_error: bool = False
    rows: Sequence[StageRow] = ()
    notes: dict[str, str | int] = field(default_factory=dict)


class RowCheck(ABC):
    """A check of a day's rows."""

    name: ClassVar[str]
    description: str

    @abstractmethod
    def examine(self, rows: Sequence[StageRow]) -> Finding:
        """The finding for these rows, one per paper."""


class Complete(RowCheck):
    """WARN if a paper that can be asked about has no answer; ERROR if there are at least three such
    papers and all of them failed."""

    name = "complete"
    description = "Every paper that can be asked about has an answer."

    def examine(self, rows: Sequence[StageRow]) -> Finding:
        askable = [row for row in rows if row.reason not in get_args(UnaskableReason)]
        unanswered = [row for row in askable if row.state != "done"]
        all_failed = all(row.state == "failed" for row in askable)
        return Finding(
            passed=not unanswered,
            is_error=all_failed and len(askable) >= 3,
            rows=unanswered,
            notes={"papers": len(rows), "without": len(unanswered)},
        )


class Verified(RowCheck):
    """WARN if a text has a number or name that its source does not have.

    Faults of style that a text was accepted with are noted and do not fail the check.
    """

    name = "verified"

    def __init__(self, source: str = "title or abstract") -> None:
        """`source` is what the model was given, in words."""
        self._source = source
        self.description = f"Every number and name in a text is in the paper's {source}."

    def examine(self, rows: Sequence[StageRow]) -> Finding:
        notes: dict[str, str | int] = {}
        passed = True
        for row in rows:
            if not isinstance(row, Enrichment):
                continue
            if row.unverified:
                passed = False
                notes[row.arxiv_id] = f"not in {self._source}: {', '.join(row.unverified)}"
            if row.style_notes:
                notes[f"{row.arxiv_id} style"] = " ".join(row.style_notes)
        return Finding(passed=passed, notes=notes)


class InLanguage(RowCheck):
    """WARN if a text that a model wrote reads as another language."""

    name = "in_language"
    description = "Every text is in its asset's language."

    def __init__(self, language: str) -> None:
        self._language = language.split("-")[0]

    def examine(self, rows: Sequence[StageRow]) -> Finding:
        notes: dict[str, str | int] = {}
        for row in rows:
            if getattr(row, "source", None) != "model":
                continue
            found = getattr(row, "reads_as", None)
            if found is None:  # stored by version 0.1.0
                found = language_of(getattr(row, "text", None) or "")
            if found not in (UNDETERMINED, self._language):
                notes[row.arxiv_id] = f"reads as {found}"
        return Finding(passed=not notes, notes=notes)
