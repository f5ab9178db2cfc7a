"""What the guardrails say of an answer."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """``faults`` are sentences in English that go back to the model so that it can correct itself; ``warnings`` are for
    the operator and never a reason to refuse. ``is_empty`` marks a good answer that found nothing."""

    faults: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    is_empty: bool = False
