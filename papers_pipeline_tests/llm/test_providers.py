"""Every provider of the table is asked over HTTP through the SDK of its protocol."""

from pathlib import Path

import pytest

from papers_pipeline.base import loop
from papers_pipeline.base.model_providers import PROVIDERS
from papers_pipeline.base.per_paper import NullProgress
from papers_pipeline.enrichment.enrich import enrich
from papers_pipeline.llm.prices import CallTokens, price
from papers_pipeline.llm.providers import Access, connect
from papers_pipeline.prompts.prompt import load_prompts
from papers_pipeline.sandbox.world import Reply
from papers_pipeline_tests.conftest import Outside
from papers_pipeline_tests.helpers.buying import (
    MODELS,
    PAPERS,
    Bought,
    Desk,
    asked,
    listing_stages,
)
from papers_pipeline_tests.helpers.outside import PACKAGED_PROVIDERS, PROMPTS

ROOT = Path(__file__).parents[2]
MODEL_OF = MODELS | {
    "openai": "openai:gpt-6-luna",
    "mistral": "mistral:mistral-small-latest",
    "anthropic": "anthropic:claude-haiku-5-5",
}
OFFICIAL = {
    "openai": "https://api.openai.com/v1/",
    "mistral": "https://api.mistral.ai",
    "anthropic": "https://api.anthropic.com",
    "google": "https://generativelanguage.googleapis.com/",
    "deepseek": "https://api.deepseek.com",
    "qwen": "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
    "openrouter": "https://openrouter.ai/api/v1",
}
OF_UNKNOWN_PRICE = ("qwen", "local")


@pytest.fixture
def desk(outside: Outside, tmp_path: Path) -> Desk:
    return Desk(outside, tmp_path / "state")


def buy_with(desk: Desk, *models: str) -> Bought:
    """Buy the English summaries of all papers from a chain of these models."""
    prompt = next(prompt for prompt in PROMPTS.summaries if prompt.language == "en")
    prompt = prompt.model_copy(update={"models": models})
    stages = listing_stages(PROMPTS.model_copy(update={"summaries": (prompt,)}))
    stage = stages["summaries_en"]
    enriching = enrich(stage, PAPERS, models=desk.models, concurrency=8, progress=NullProgress())
    return Bought(*loop.run(enriching))


@pytest.mark.parametrize("asset", ["summaries_ru", "topic_tags"])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_provider_answers(desk: Desk, outside: Outside, provider: str, asset: str):
    desk.made(provider)
    desk.stages = listing_stages(load_prompts(model=MODEL_OF[provider]))
    bought = desk.buy(asset)
    assert (bought.row.state, bought.row.source) == ("done", "model")
    assert f"{bought.row.provider}:{bought.row.model}" == MODEL_OF[provider]
    assert asked(outside) == [(provider, "ok")]
    (spending,) = desk.spendings()
    assert spending.provider == provider
    assert spending.input_tokens > 0
    assert spending.output_tokens > 0
    expected = price(MODEL_OF[provider], CallTokens(spending.input_tokens, spending.output_tokens))
    assert (expected is None) == (provider in OF_UNKNOWN_PRICE)
    assert spending.usd == (pytest.approx(expected) if expected else None)
    assert bought.spent.unpriced_calls == (provider in OF_UNKNOWN_PRICE)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_model_is_offered_the_topics_of_the_list_and_no_others(
    desk: Desk, outside: Outside, provider: str
):
    desk.made(provider)
    desk.stages = listing_stages(load_prompts(model=MODEL_OF[provider]))
    desk.buy("topic_tags")
    (call,) = outside.world.calls
    names = [topic.name for topic in PROMPTS.topics]
    assert call.fields["topics"]["items"]["enum"] == names


@pytest.mark.parametrize("provider", ["openai", "mistral", "anthropic", "google", "deepseek"])
def test_cached_and_reasoning_tokens_reach_the_ledger_and_the_price(desk: Desk, provider: str):
    desk.made(provider)
    # These two count reasoning among the tokens of the answer, without a number of its own.
    reasoning_tokens = 0 if provider in ("mistral", "anthropic") else 25
    reply = Reply(cached_tokens=40, reasoning_tokens=reasoning_tokens)
    desk.outside.world.replies.append(reply)
    bought = buy_with(desk, MODEL_OF[provider])
    first, *others = desk.spendings()
    assert (first.cache_read_tokens, first.reasoning_tokens) == (40, reply.reasoning_tokens)
    assert {(other.cache_read_tokens, other.reasoning_tokens) for other in others} == {(0, 0)}
    call = CallTokens(
        first.input_tokens, first.output_tokens, cache_read_tokens=40, reasoning_tokens=25
    )
    assert first.usd == pytest.approx(price(MODEL_OF[provider], call))
    assert first.usd < price(
        MODEL_OF[provider], CallTokens(first.input_tokens, first.output_tokens)
    )
    assert bought.spent.usd == pytest.approx(sum(spending.usd for spending in desk.spendings()))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_provider_is_examined(desk: Desk, outside: Outside, provider: str):
    desk.made(provider)
    assert loop.run(desk.models.examine(MODEL_OF[provider])) is None
    fault = loop.run(desk.models.examine(f"{provider}:unknown-model/unknown"))
    assert fault is not None
    assert fault.startswith("is not listed: ")


@pytest.mark.parametrize("provider", [name for name in PROVIDERS if name not in PACKAGED_PROVIDERS])
def test_a_wrong_key_closes_only_its_own_provider(desk: Desk, outside: Outside, provider: str):
    desk.made(provider, "openai")
    access = Access("wrong-key", desk.access(provider).base_url)
    desk.models.access = {**desk.models.access, provider: access}
    bought = buy_with(desk, MODEL_OF[provider], MODEL_OF["openai"])
    assert {row.provider for row in bought.rows} == {"openai"}
    assert list(desk.models.closed) == [provider]
    statuses = [status for name, status in asked(outside) if name == provider]
    assert statuses == ["400" if provider == "google" else "401"]


@pytest.mark.parametrize("provider", ["google", "deepseek", "qwen", "openrouter"])
def test_a_provider_without_credit_is_asked_once(desk: Desk, outside: Outside, provider: str):
    desk.made(provider, key="nocredit-key")
    assert desk.buy(papers=PAPERS).counts.failed == len(PAPERS)
    assert list(desk.models.closed) == [provider]
    assert asked(outside) == [(provider, "429" if provider in ("google", "qwen") else "402")]


def test_two_providers_of_one_protocol_work_in_one_chain(desk: Desk, outside: Outside):
    desk.made("deepseek", "local")
    refused = PAPERS[0].title
    desk.outside.world.replies.append(
        Reply(content="not an answer", provider="deepseek", title=refused, times=9)
    )
    bought = buy_with(desk, MODEL_OF["deepseek"], MODEL_OF["local"])
    providers = {row.arxiv_id: row.provider for row in bought.rows}
    assert providers.pop(PAPERS[0].arxiv_id) == "local"
    assert set(providers.values()) == {"deepseek"}
    assert desk.models.closed == {}


def test_openai_with_a_base_url_alone_is_any_server_that_speaks_its_protocol(desk: Desk):
    desk.made("openai")
    access = Access(None, f"{desk.outside.url}/local/v1")
    desk.models.access = {**desk.models.access, "openai": access}
    assert {row.provider for row in buy_with(desk, "openai:qwen3:8b").rows} == {"openai"}


@pytest.mark.parametrize("provider", OFFICIAL)
def test_a_provider_with_a_key_alone_is_asked_at_its_official_address(provider: str):
    async def base_url() -> str:
        connection = connect(MODEL_OF[provider], Access("key"), 1.0)
        try:
            client = connection.model.client  # type: ignore[attr-defined]
            if provider == "mistral":
                return client.sdk_configuration.get_server_details()[0]
            if provider == "google":
                return client._api_client._http_options.base_url
            return str(client.base_url)
        finally:
            await connection.close()

    assert loop.run(base_url()).rstrip("/") == OFFICIAL[provider].rstrip("/")


def test_the_documents_list_the_table():
    rows = []
    settings = []
    for provider in PROVIDERS.values():
        key = f"`{provider.key_variable}`" if provider.key_variable else "none"
        rows.append(
            f"| `{provider.name}` | {provider.title} | {provider.protocol} | {key} "
            f"| `{provider.base_url_variable}` |"
        )
        if provider.key_variable:
            settings.append(f"| `{provider.key_variable}` | | key of {provider.title} |")
        if provider.official_url:
            settings.append(f"| `{provider.base_url_variable}` | `{provider.official_url}` |")
        elif provider.key_variable:
            settings.append(f"| `{provider.base_url_variable}` | the SDK's |")
        else:
            settings.append(f"| `{provider.base_url_variable}` | |")
    prompts = (ROOT / "docs" / "prompts.md").read_text(encoding="utf-8")
    table = prompts.split("| provider | is |", 1)[1].split("\n\n", 1)[0]
    assert table.splitlines()[2:] == rows
    configuration = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    for line in settings:
        assert f"\n{line}" in configuration
    for provider in PROVIDERS.values():
        requests = f"{provider.requests_per_minute:,}" if provider.requests_per_minute else "none"
        if provider.requests_per_minute and provider.limits_each_second:
            requests += f", {provider.requests_per_minute // 60} per second"
        tokens = f"{provider.tokens_per_minute:,}" if provider.tokens_per_minute else "none"
        assert f"\n| `{provider.name}` | {requests} | {tokens} |" in configuration
