"""Connections to language models, through the official SDK of each protocol and pydantic-ai.

The SDKs and pydantic-ai are imported when a model is first asked. A day whose answers are all
cached never waits for them.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from papers_pipeline.base.model_providers import PROVIDERS, Provider
from papers_pipeline.prompts.model_names import split_name

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic
    from httpx2 import AsyncClient
    from mistralai.client import Mistral
    from openai import AsyncOpenAI
    from pydantic_ai.models import Model
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.output import OutputSpec
    from pydantic_ai.providers.google import GoogleProvider

NO_KEY = "none"
"""Sent to a server that needs no key: the SDKs cannot be created without one."""


@dataclass(frozen=True)
class Access:
    """Key and base URL of a provider; either is enough.

    Without `base_url` the official endpoint is asked, without `key` the server needs none.
    """

    key: str | None = None
    base_url: str | None = None

    @property
    def is_configured(self) -> bool:
        return bool(self.key or self.base_url)


@dataclass(frozen=True)
class Connection:
    """A model that can be asked.

    `card` asks the provider for the model's entry in its list, and raises the SDK's error if
    there is none. `close` ends the connection.
    """

    model: "Model"
    card: Callable[[], Awaitable[object]]
    close: Callable[[], Awaitable[object]]

    def structured(self, output: type[Any]) -> "OutputSpec[Any]":
        """`output` as a JSON schema if the model takes one, else as the arguments of a tool.

        A schema is first choice: small models call no tools, and Claude 5.5 takes no forced tool
        choice and answers in prose now and then. Mistral and DeepSeek take no schema.
        """
        from pydantic_ai import NativeOutput, ToolOutput

        if self.model.profile.get("supports_json_schema_output"):
            return NativeOutput(output)
        return ToolOutput(output)


def connect(name: str, access: Access, timeout_seconds: float) -> Connection:
    """A connection to the model, without retries by its SDK: those would repeat a call that fails
    for lack of credit."""
    provider_name, model = split_name(name)
    provider = PROVIDERS[provider_name]
    if provider.protocol == "anthropic":
        return _anthropic(model, access, timeout_seconds)
    if provider.protocol == "mistral":
        return _mistral(model, access, timeout_seconds)
    if provider.protocol == "google":
        return _google(model, access, timeout_seconds)
    return _openai(provider, model, access, timeout_seconds)


async def list_models(name: str, access: Access, timeout_seconds: float) -> None:
    """Ask a provider for the first page of its models. Raises what its SDK raises."""
    provider = PROVIDERS[name]
    if provider.protocol == "anthropic":
        async with anthropic_client(access, timeout_seconds) as anthropic:
            await anthropic.models.list()
    elif provider.protocol == "mistral":
        async with _mistral_client(access, timeout_seconds) as mistral:
            await mistral.models.list_async()
    elif provider.protocol == "google":
        google, close = _google_provider(access, timeout_seconds)
        try:
            await google.client.aio.models.list()
        finally:
            await close()
    else:
        async with openai_client(provider, access, timeout_seconds) as openai:
            await openai.models.list()


def _openai(provider: Provider, name: str, access: Access, timeout_seconds: float) -> Connection:
    client = openai_client(provider, access, timeout_seconds)

    async def card() -> object:
        if provider.name == "openai":
            return await client.models.retrieve(name)
        # Of models, all that DeepSeek, OpenRouter and vLLM document is the list.
        async for listed in client.models.list():
            if listed.id == name:
                return listed
        raise LookupError(f"{name} is not in the list of models")

    return Connection(_openai_model(provider, name, client), card, client.close)


def openai_client(
    provider: Provider,
    access: Access,
    timeout_seconds: float,
    http_client: "AsyncClient | None" = None,
) -> "AsyncOpenAI":
    """A client of a server that speaks OpenAI's API, without retries of its own."""
    from openai import AsyncOpenAI

    return AsyncOpenAI(
        api_key=access.key or NO_KEY,
        base_url=access.base_url or provider.official_url,
        max_retries=0,
        timeout=timeout_seconds,
        http_client=http_client,
    )


def _openai_model(provider: Provider, name: str, client: "AsyncOpenAI") -> "OpenAIChatModel":
    """The model with the peculiarities of its provider, as far as pydantic-ai knows them.

    Chat completions, not Responses: every server that speaks OpenAI's API has them.
    """
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.models.openrouter import OpenRouterModel
    from pydantic_ai.providers.alibaba import AlibabaProvider
    from pydantic_ai.providers.deepseek import DeepSeekProvider
    from pydantic_ai.providers.openai import OpenAIProvider
    from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider
    from pydantic_ai.providers.openrouter import OpenRouterProvider

    if provider.name == "openai":
        return OpenAIChatModel(name, provider=OpenAIProvider(openai_client=client))
    if provider.name == "deepseek":
        return OpenAIChatModel(name, provider=DeepSeekProvider(openai_client=client))
    if provider.name == "qwen":
        return OpenAIChatModel(name, provider=AlibabaProvider(openai_client=client))
    if provider.name == "openrouter":
        return OpenRouterModel(name, provider=OpenRouterProvider(openai_client=client))
    compatible = OpenAICompatibleProvider(
        provider.name, openai_client=client, profile=OpenAIProvider.model_profile
    )
    return OpenAIChatModel(name, provider=compatible)


def _mistral(name: str, access: Access, timeout_seconds: float) -> Connection:
    from pydantic_ai.models.mistral import MistralModel
    from pydantic_ai.providers.mistral import MistralProvider

    client = _mistral_client(access, timeout_seconds)

    async def close() -> None:
        await client.__aexit__(None, None, None)  # type: ignore[no-untyped-call]

    model = MistralModel(name, provider=MistralProvider(mistral_client=client))
    return Connection(model, lambda: client.models.retrieve_async(model_id=name), close)


def _mistral_client(access: Access, timeout_seconds: float) -> "Mistral":
    from mistralai.client import Mistral

    return Mistral(
        api_key=access.key or NO_KEY,
        server_url=access.base_url,
        timeout_ms=round(timeout_seconds * 1000),
    )


def _anthropic(name: str, access: Access, timeout_seconds: float) -> Connection:
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.providers.anthropic import AnthropicProvider

    client = anthropic_client(access, timeout_seconds)
    model = AnthropicModel(name, provider=AnthropicProvider(anthropic_client=client))
    return Connection(model, lambda: client.models.retrieve(name), client.close)


def anthropic_client(
    access: Access, timeout_seconds: float, http_client: "AsyncClient | None" = None
) -> "AsyncAnthropic":
    """A client of Anthropic, without retries of its own."""
    from anthropic import AsyncAnthropic

    return AsyncAnthropic(
        api_key=access.key or NO_KEY,
        base_url=access.base_url,
        max_retries=0,
        timeout=timeout_seconds,
        http_client=http_client,
    )


def _google(name: str, access: Access, timeout_seconds: float) -> Connection:
    from pydantic_ai.models.google import GoogleModel
    from pydantic_ai.settings import ModelSettings

    provider, close = _google_provider(access, timeout_seconds)
    # The timeout of an answer would be 20 minutes otherwise, whatever that of the client.
    settings = ModelSettings(timeout=timeout_seconds)
    model = GoogleModel(name, provider=provider, settings=settings)
    return Connection(model, lambda: provider.client.aio.models.get(model=name), close)


def _google_provider(
    access: Access, timeout_seconds: float
) -> "tuple[GoogleProvider, Callable[[], Awaitable[object]]]":
    """The provider with its client, and what closes it."""
    from google.genai.types import HttpRetryOptions
    from pydantic_ai.models import create_async_httpx2_client
    from pydantic_ai.providers.google import GoogleProvider

    # The SDK's own client raises timeouts that pydantic-ai does not recognise.
    http = create_async_httpx2_client(timeout=timeout_seconds)
    provider = GoogleProvider(
        api_key=access.key or NO_KEY,
        base_url=access.base_url,
        http_client=http,
        retry_options=HttpRetryOptions(attempts=1),
    )

    async def close() -> None:
        provider.client.close()
        await http.aclose()

    return provider, close
