"""A call costs what genai-prices says about a call of that size, and a plan what its calls cost."""

from datetime import UTC, datetime

import pytest
from genai_prices import Usage, calc_price

from papers_pipeline.base.clock import FixedClock
from papers_pipeline.llm.prices import CallTokens, price
from papers_pipeline.records import Paper
from papers_pipeline.settings import load_settings
from papers_pipeline.wiring import planner_of
from papers_pipeline_tests.conftest import LONG_AGO, Outside

LONG_CONTEXT = {
    "openai:gpt-6-luna": (0.10, 0.50),
    "openai:gpt-6.1-terra": (1.00, 5.00),
    "anthropic:claude-haiku-5-5": (0.10, 0.50),
}
"""Models that charge more for long requests, with USD per million input and output tokens of short
ones."""


@pytest.mark.parametrize("name", LONG_CONTEXT)
@pytest.mark.parametrize("input_tokens", [1_500, 300_000])
def test_a_call_costs_what_genai_prices_says(name: str, input_tokens: int):
    provider, model = name.split(":")
    usage = Usage(input_tokens=input_tokens, output_tokens=300, cache_read_tokens=1_000)
    expected = calc_price(usage, model_ref=model, provider_id=provider).total_price
    call = CallTokens(input_tokens, 300, cache_read_tokens=1_000)
    assert price(name, call) == pytest.approx(float(expected), rel=1e-12)


@pytest.mark.parametrize("name", LONG_CONTEXT)
def test_a_long_request_costs_more_per_token_than_short_ones(name: str):
    usd_in, usd_out = LONG_CONTEXT[name]
    short = price(name, CallTokens(1_500, 300))
    assert short == pytest.approx((1_500 * usd_in + 300 * usd_out) / 1e6)
    long = price(name, CallTokens(300_000, 300))
    assert long is not None
    assert long > 1.9 * 200 * (1_500 * usd_in) / 1e6


def test_cached_and_reasoning_tokens_count():
    name = "anthropic:claude-sonnet-5-5"
    assert price(name, CallTokens(1_500, 300)) == pytest.approx((1_500 * 2 + 300 * 10) / 1e6)
    cached = CallTokens(1_500, 300, cache_read_tokens=1_000, reasoning_tokens=200)
    assert price(name, cached) == pytest.approx((500 * 2 + 1_000 * 0.1 + 300 * 10) / 1e6)


def test_an_unknown_price_is_the_assumed_one_or_none():
    call = CallTokens(1_500, 500)
    assert price("local:qwen3:8b", call) is None
    assert price("local:qwen3:8b", call, assumed_price=2.0) == pytest.approx(0.004)


def test_a_plan_of_many_calls_costs_many_times_one_call(
    outside: Outside, monkeypatch: pytest.MonkeyPatch
):
    """Together the calls have more tokens than one long request, and no call is one."""
    outside.offer(monkeypatch)
    planner = planner_of(load_settings(), FixedClock(datetime(2026, 3, 20, tzinfo=UTC)))
    papers = [
        Paper(
            arxiv_id=f"2603.{10000 + number}",
            title=f"Kettle {number}",
            abstract=f"Kettle number {number} whistles late.",
            authors=[],
            first_seen_at=LONG_AGO,
        )
        for number in range(500)
    ]
    _, one = planner.estimate("summaries_en", papers[:1])
    calls, usd = planner.estimate("summaries_en", papers)
    assert calls == 500
    assert one is not None
    assert usd == pytest.approx(500 * one)
