"""One question to one model: the verdicts on its replies, and the best of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel

from papers_pipeline.base.faults import Fault
from papers_pipeline.llm.batch_store import KeptText
from papers_pipeline.llm.conversation import KeptVerdict
from papers_pipeline.llm.spent import Spent
from papers_pipeline.llm.verdict import Verdict, of_severity

Output = TypeVar("Output", bound=BaseModel)
Judge = Callable[[Output, Mapping[str, Any]], Verdict]
Repair = Callable[[Output], tuple[Output, Sequence[str]]]
"""Mends an answer free of charge; the mended answer, and what was changed."""


@dataclass(frozen=True)
class Publishable:
    """A reply without fatal faults, as it was repaired."""

    output: BaseModel
    faults: tuple[Fault, ...]
    repairs: tuple[str, ...]

    @property
    def shortcomings(self) -> tuple[int, int]:
        """The less the better: what is unverified counts more than style."""
        unverified = len(of_severity(self.faults, "unverified"))
        return unverified, len(self.faults) - unverified


@dataclass
class Question:
    """One question to one model, with the verdicts on its replies and what they cost."""

    judge: Callable[[Any], Verdict]
    repair: Callable[[Any], tuple[Any, Sequence[str]]]
    is_last: bool
    """Whether no further prompt variables are left for the next model."""
    most_tokens: int = 0
    """An estimate from above, which counts until the provider has counted."""
    kept: KeptText | None = None
    """The answer of a batch that takes the place of the first request."""
    key: str | None = None
    """The key under which the answer will be stored."""
    verdicts: list[KeptVerdict] = field(default_factory=list)
    best: Publishable | None = None
    """The best reply so far that can be published."""
    spent: Spent = field(default_factory=Spent)

    def correction(self, reply: BaseModel) -> str | None:
        """Judge a reply. What to send back; None if the reply is good enough.

        Faults of style are sent back once, alone or with others, all other faults always. Raises
        AskNext if the reply is valid but empty and the next model is given more text.
        """
        output, repairs = self.repair(reply)
        verdict = self.judge(output)
        was_sent_style = any(of_severity(earlier.faults, "style") for earlier in self.verdicts)
        self.verdicts.append(KeptVerdict(faults=verdict.faults, warnings=verdict.warnings))
        is_for_next = verdict.is_empty and not self.is_last
        if not of_severity(verdict.faults, "fatal") and not is_for_next:
            self._keep_if_best(Publishable(output, verdict.faults, tuple(repairs)))
        if of_severity(verdict.faults, "fatal", "unverified") or (
            verdict.faults and not was_sent_style
        ):
            return "\n".join(fault.message for fault in verdict.faults)
        if is_for_next:
            raise AskNext
        return None

    def _keep_if_best(self, reply: Publishable) -> None:
        """Of two equal replies, the later one saw more corrections."""
        if self.best is None or reply.shortcomings <= self.best.shortcomings:
            self.best = reply


class AskNext(Exception):
    """The answer is valid but empty, and the next model is given more text."""
