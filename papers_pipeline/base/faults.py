"""The faults of a text, as the rules of the guardrails find them."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["fatal", "unverified", "style"]


@dataclass(frozen=True)
class Fault:
    """One fault of an answer, found by the rule of this name.

    `message` is an English sentence that is sent back to the model. `severity` says what happens if
    the corrections do not help: a `fatal` fault refuses the answer, an `unverified` one publishes
    it with a mark that shows `quoted`, the number or name that the source does not have, and a
    `style` fault publishes it with a note to the operator.
    """

    rule: str
    message: str
    severity: Severity = "fatal"
    quoted: str = ""
