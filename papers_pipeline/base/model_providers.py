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
    """

    name: str
    title: str
    protocol: Protocol
    base_url_variable: str
    key_variable: str | None = None
    official_url: str | None = None


PROVIDERS: dict[str, Provider] = {
    provider.name: provider
    for provider in (
        Provider(
            name="openai",
            title="OpenAI",
            protocol="openai",
            key_variable="OPENAI_API_KEY",
            base_url_variable="OPENAI_BASE_URL",
        ),
        Provider(
            name="mistral",
            title="Mistral",
            protocol="mistral",
            key_variable="MISTRAL_API_KEY",
            base_url_variable="MISTRAL_BASE_URL",
        ),
        Provider(
            name="anthropic",
            title="Anthropic",
            protocol="anthropic",
            key_variable="ANTHROPIC_API_KEY",
            base_url_variable="ANTHROPIC_BASE_URL",
        ),
        Provider(
            name="google",
            title="Google Gemini",
            protocol="google",
            key_variable="GEMINI_API_KEY",
            base_url_variable="GEMINI_BASE_URL",
        ),
        Provider(
            name="deepseek",
            title="DeepSeek",
            protocol="openai",
            key_variable="DEEPSEEK_API_KEY",
            base_url_variable="DEEPSEEK_BASE_URL",
            official_url="https://api.deepseek.com",
        ),
        Provider(
            name="qwen",
            title="Qwen (Alibaba Cloud Model Studio)",
            protocol="openai",
            key_variable="DASHSCOPE_API_KEY",
            base_url_variable="DASHSCOPE_BASE_URL",
            official_url="https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        ),
        Provider(
            name="openrouter",
            title="OpenRouter",
            protocol="openai",
            key_variable="OPENROUTER_API_KEY",
            base_url_variable="OPENROUTER_BASE_URL",
            official_url="https://openrouter.ai/api/v1",
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
