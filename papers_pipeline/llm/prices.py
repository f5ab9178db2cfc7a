"""What tokens cost, by the pinned genai-prices."""

from functools import cache

from papers_pipeline.prompts.model_names import split_name


def price(
    name: str, input_tokens: int, output_tokens: int, assumed_price: float | None = None
) -> float | None:
    """USD for tokens of a model, `<provider>:<model>`; for a model of unknown price by ``assumed_price``, USD a million
    tokens, else None."""
    known = _known(name)
    if known:
        return (input_tokens * known[0] + output_tokens * known[1]) / 1e6
    return None if assumed_price is None else (input_tokens + output_tokens) * assumed_price / 1e6


@cache
def _known(name: str) -> tuple[float, float] | None:
    """USD a million tokens in and out, or None."""
    from genai_prices import Usage, calc_price

    provider, model = split_name(name)
    try:
        sent = calc_price(
            Usage(input_tokens=1_000_000), model_ref=model, provider_id=provider
        ).total_price
        got = calc_price(
            Usage(output_tokens=1_000_000), model_ref=model, provider_id=provider
        ).total_price
    except LookupError:
        return None
    return float(sent), float(got)
