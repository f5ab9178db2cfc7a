"""Prices of calls, from the pinned genai-prices.

It names providers as we do, but does not know `qwen` and `local`: their prices are unknown.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from papers_pipeline.prompts.model_names import split_name

if TYPE_CHECKING:
    from pydantic_ai.usage import RequestUsage


@dataclass(frozen=True)
class CallTokens:
    """The tokens of one call.

    `input_tokens` include those read from and written to the provider's cache, and `output_tokens`
    include those of reasoning.
    """

    input_tokens: int
    output_tokens: int
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0

    @classmethod
    def of(cls, usage: "RequestUsage") -> "CallTokens":
        """The tokens that a response reports."""
        reasoning = usage.output_reasoning_tokens or usage.details.get("reasoning_tokens", 0)
        return cls(
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cache_read_tokens=usage.cache_read_tokens,
            cache_write_tokens=usage.cache_write_tokens,
            reasoning_tokens=reasoning,
        )


def price(name: str, call: CallTokens, assumed_price: float | None = None) -> float | None:
    """USD for one call of a model, `<provider>:<model>`.

    One call, because some models charge more per token for a long request: a hundred short calls
    cost less than a single one of the same tokens. A model of unknown price costs `assumed_price`,
    in USD per million tokens, or None.
    """
    known = _known_price(name, call)
    if known is not None:
        return known
    if assumed_price is None:
        return None
    return (call.input_tokens + call.output_tokens) * assumed_price / 1e6


@lru_cache(maxsize=4096)
def _known_price(name: str, call: CallTokens) -> float | None:
    """USD by genai-prices; None if it does not know the model."""
    from genai_prices import Usage, calc_price

    provider, model = split_name(name)
    usage = Usage(
        input_tokens=call.input_tokens,
        output_tokens=call.output_tokens,
        cache_read_tokens=call.cache_read_tokens,
        cache_write_tokens=call.cache_write_tokens,
        output_reasoning_tokens=call.reasoning_tokens,
    )
    try:
        return float(calc_price(usage, model_ref=model, provider_id=provider).total_price)
    except LookupError:
        return None
