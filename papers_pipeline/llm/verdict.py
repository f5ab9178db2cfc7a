"""The guardrails' verdict on an answer."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["fatal", "unverified", "style"]


@dataclass(frozen=True)
class Fault:
    """One fault of an answer, found by a rule of the guardrails.

    `message` is an English sentence that is sent back to the model. `severity` says what happens if
    the corrections do not help: a `fatal` fault refuses the answer, an `unverified` one publishes
    it with a mark that shows `quoted`, the number or name that the source does not have, and a
    `style` fault publishes it with a note to the operator.
    """

    rule: str
    message: str
    severity: Severity = "fatal"
    quoted: str = ""


@dataclass(frozen=True)
class Verdict:
    """`faults` are English sentences that are sent back to the model, so that it corrects itself.

    `warnings` are for the operator and reject nothing. `is_empty` marks a valid answer that
    found nothing.
    """

    faults: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    is_empty: bool = False
