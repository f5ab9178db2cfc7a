"""Prices of tokens, from the pinned genai-prices.

It names providers as we do, but does not know `qwen` and `local`: their prices are unknown.
"""

from functools import cache

from papers_pipeline.prompts.model_names import split_name


def price(
    name: str, input_tokens: int, output_tokens: int, assumed_price: float | None = None
) -> float | None:
    """USD for tokens of a model, `<provider>:<model>`.

    A model of unknown price costs `assumed_price`, in USD per million tokens, or None.
    """
    prices = _prices(name)
    if prices:
        input_price, output_price = prices
        return (input_tokens * input_price + output_tokens * output_price) / 1e6
    if assumed_price is None:
        return None
    return (input_tokens + output_tokens) * assumed_price / 1e6


@cache
def _prices(name: str) -> tuple[float, float] | None:
    """USD per million input and output tokens; None if genai-prices does not know the model."""
    from genai_prices import Usage, calc_price

    provider, model = split_name(name)
    # Not a million at once: some models charge more for a request of over 100,000 tokens.
    thousand_in = Usage(input_tokens=1_000)
    thousand_out = Usage(output_tokens=1_000)
    try:
        input_price = calc_price(thousand_in, model_ref=model, provider_id=provider).total_price
        output_price = calc_price(thousand_out, model_ref=model, provider_id=provider).total_price
    except LookupError:
        return None
    return float(input_price * 1_000), float(output_price * 1_000)
