"""The providers of language models, each through its official SDK; any server that speaks OpenAI's API is `openai`.

SDKs and pydantic-ai are imported when a model is first asked: a day whose answers are all there never waits for them.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from papers_pipeline.prompts.model_names import split_name

if TYPE_CHECKING:
    from pydantic_ai.models import Model
    from pydantic_ai.output import OutputSpec

NO_KEY = "none"
"""What a server without keys is sent: the SDKs refuse to be made without one."""


@dataclass(frozen=True)
class Access:
    """How a provider is reached: with a key, at its official endpoint or at ``base_url``, or at a base URL alone."""

    key: str | None = None
    base_url: str | None = None

    @property
    def is_configured(self) -> bool:
        return bool(self.key or self.base_url)


@dataclass(frozen=True)
class Connection:
    """A model that can be asked, and how to ask it for an object of a type."""

    model: "Model"
    structured: "Callable[[type[Any]], OutputSpec[Any]]"
    card: Callable[[], Awaitable[object]]
    """Asks the provider whether it lists the model; raises what its SDK raises."""
    close: Callable[[], Awaitable[object]]


def connect(name: str, access: Access, timeout_seconds: float) -> Connection:
    """A connection to the model. The SDKs' own retries are off: they would ask three times without credit."""
    provider, model = split_name(name)
    return {"openai": _openai, "mistral": _mistral, "anthropic": _anthropic}[provider](
        model, access, timeout_seconds
    )


def _openai(name: str, access: Access, timeout_seconds: float) -> Connection:
    from openai import AsyncOpenAI
    from pydantic_ai import NativeOutput
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    client = AsyncOpenAI(
        api_key=access.key or NO_KEY,
        base_url=access.base_url,
        max_retries=0,
        timeout=timeout_seconds,
    )
    # Chat completions, not Responses: the one that other servers speak, and a JSON schema: small models call no tools.
    model = OpenAIChatModel(name, provider=OpenAIProvider(openai_client=client))
    return Connection(model, NativeOutput, lambda: client.models.retrieve(name), client.close)


def _mistral(name: str, access: Access, timeout_seconds: float) -> Connection:
    from mistralai.client import Mistral
    from pydantic_ai import ToolOutput
    from pydantic_ai.models.mistral import MistralModel
    from pydantic_ai.providers.mistral import MistralProvider

    client = Mistral(
        api_key=access.key or NO_KEY,
        server_url=access.base_url,
        timeout_ms=round(timeout_seconds * 1000),
    )

    async def close() -> None:
        await client.__aexit__(None, None, None)  # type: ignore[no-untyped-call]

    # pydantic-ai has no native schema for Mistral.
    model = MistralModel(name, provider=MistralProvider(mistral_client=client))
    return Connection(model, ToolOutput, lambda: client.models.retrieve_async(model_id=name), close)


def _anthropic(name: str, access: Access, timeout_seconds: float) -> Connection:
    from anthropic import AsyncAnthropic
    from pydantic_ai import NativeOutput
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.providers.anthropic import AnthropicProvider

    client = AsyncAnthropic(
        api_key=access.key or NO_KEY,
        base_url=access.base_url,
        max_retries=0,
        timeout=timeout_seconds,
    )
    # Not a tool: Claude 5.5 takes no forced tool choice, and answers in prose now and then.
    model = AnthropicModel(name, provider=AnthropicProvider(anthropic_client=client))
    return Connection(model, NativeOutput, lambda: client.models.retrieve(name), client.close)
