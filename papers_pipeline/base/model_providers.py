"""The providers of language models: one row each.

Settings, `papers doctor`, the connections of `llm/providers.py` and the tables of
`docs/configuration.md` and `docs/prompts.md` all follow from this table. A provider that speaks one
of the four protocols needs a row here and lines in `.env.example` and the documents; tests say
which are missing.
"""

from dataclasses import dataclass
from typing import Literal

Protocol = Literal["openai", "anthropic", "mistral", "google"]


@dataclass(frozen=True)
class Provider:
    """A provider of language models.

    `name` is the first part of a model's name, `<provider>:<model>`. The two variables are
    settings. `official_url` is where the API is if the base URL is unset; None leaves that to the
    SDK of the protocol, or means that there is no official endpoint if there is no key either.

    `requests_per_minute` and `tokens_per_minute` (input and output together) are the limits of the
    lowest paid tier, as far as the provider publishes them; None is no limit. With
    `limits_each_second`, no second may have more than a sixtieth of the requests.
    `PAPERS_LLM_LIMITS` replaces the limits, and answers with status 429 lower them for a while.
    """

    name: str
    title: str
    protocol: Protocol
    base_url_variable: str
    key_variable: str | None = None
    official_url: str | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    limits_each_second: bool = False


PROVIDERS: dict[str, Provider] = {
    provider.name: provider
    for provider in (
        Provider(
            name="openai",
            title="OpenAI",
            protocol="openai",
            key_variable="OPENAI_API_KEY",
            base_url_variable="OPENAI_BASE_URL",
            # Tier 1 of the GPT-5 family; a model's page has its own:
            # https://developers.openai.com/api/docs/guides/rate-limits
            requests_per_minute=500,
            tokens_per_minute=500_000,
        ),
        Provider(
            name="mistral",
            title="Mistral",
            protocol="mistral",
            key_variable="MISTRAL_API_KEY",
            base_url_variable="MISTRAL_BASE_URL",
            # Limits are per second and only the free tier's are published, 1 request and 500,000
            # tokens a minute: https://docs.mistral.ai/deployment/ai-studio/tier
            requests_per_minute=300,
            tokens_per_minute=500_000,
            limits_each_second=True,
        ),
        Provider(
            name="anthropic",
            title="Anthropic",
            protocol="anthropic",
            key_variable="ANTHROPIC_API_KEY",
            base_url_variable="ANTHROPIC_BASE_URL",
            # The Start tier: 500,000 tokens of input and 100,000 of output, of which our calls need
            # less than a fifth as many: https://platform.claude.com/docs/en/api/rate-limits
            requests_per_minute=1_000,
            tokens_per_minute=500_000,
        ),
        Provider(
            name="google",
            title="Google Gemini",
            protocol="google",
            key_variable="GEMINI_API_KEY",
            base_url_variable="GEMINI_BASE_URL",
            # Tier 1 of Flash: https://ai.google.dev/gemini-api/docs/rate-limits
            requests_per_minute=1_000,
            tokens_per_minute=1_000_000,
        ),
        Provider(
            name="deepseek",
            title="DeepSeek",
            protocol="openai",
            key_variable="DEEPSEEK_API_KEY",
            base_url_variable="DEEPSEEK_BASE_URL",
            official_url="https://api.deepseek.com",
            # No limits but 500 requests at once: https://api-docs.deepseek.com/quick_start/rate_limit
        ),
        Provider(
            name="qwen",
            title="Qwen (Alibaba Cloud Model Studio)",
            protocol="openai",
            key_variable="DASHSCOPE_API_KEY",
            base_url_variable="DASHSCOPE_BASE_URL",
            official_url="https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
            # qwen-plus; a sixtieth may go each second, and dated models have a tenth of it:
            # https://www.alibabacloud.com/help/en/model-studio/rate-limit
            requests_per_minute=600,
            tokens_per_minute=1_000_000,
            limits_each_second=True,
        ),
        Provider(
            name="openrouter",
            title="OpenRouter",
            protocol="openai",
            key_variable="OPENROUTER_API_KEY",
            base_url_variable="OPENROUTER_BASE_URL",
            official_url="https://openrouter.ai/api/v1",
            # No limits for paid models, but who needs more is asked to write:
            # https://openrouter.ai/docs/api-reference/limits
            requests_per_minute=2_000,
        ),
        Provider(
            name="local",
            title="Local server",
            protocol="openai",
            base_url_variable="LOCAL_BASE_URL",
        ),
    )
}
"""All providers by name."""
