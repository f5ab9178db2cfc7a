"""The guardrails' verdict on an answer."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """`faults` are English sentences that are sent back to the model, so that it corrects itself.

    `warnings` are for the operator and reject nothing. `is_empty` marks a valid answer that
    found nothing.
    """

    faults: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    is_empty: bool = False
