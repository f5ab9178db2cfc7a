"""What calls of models have cost so far."""

from dataclasses import dataclass


@dataclass
class Spent:
    """Calls, tokens and cost so far.

    `usd` sums the calls of known price, `unpriced_calls` counts the others.
    """

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float = 0.0
    unpriced_calls: int = 0
