"""The guardrails' verdict on an answer."""

from collections.abc import Sequence
from dataclasses import dataclass

from papers_pipeline.base.faults import Fault, Severity


@dataclass(frozen=True)
class Verdict:
    """`faults` are sent back to the model, so that it corrects itself.

    `warnings` are for the operator and are not sent back. `is_empty` marks a valid answer that
    found nothing.
    """

    faults: tuple[Fault, ...] = ()
    warnings: tuple[str, ...] = ()
    is_empty: bool = False


def of_severity(faults: Sequence[Fault], *severities: Severity) -> list[Fault]:
    """The faults of these severities."""
    return [fault for fault in faults if fault.severity in severities]
