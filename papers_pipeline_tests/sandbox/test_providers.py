"""The sandbox's providers answer and fail as the official SDKs and pydantic-ai expect."""

import asyncio
import json
from dataclasses import asdict
from typing import Any

import anthropic
import httpx2
import openai
import pytest
import requests
from google import genai
from google.genai.errors import ClientError
from google.genai.types import (
    BlockedReason,
    FinishReason,
    FunctionDeclaration,
    GenerateContentConfig,
    GenerateContentResponse,
    HttpOptions,
    Tool,
)
from mistralai.client import Mistral
from mistralai.client.errors import SDKError
from pydantic import BaseModel
from pydantic_ai import Agent, ToolOutput, UnexpectedModelBehavior
from pydantic_ai.exceptions import (
    ContentFilterError,
    ModelAPIError,
    ModelAuthenticationError,
    ModelOverloadedError,
    ModelQuotaExceededError,
    ModelRateLimitError,
    ModelServerError,
    ModelTimeoutError,
    OutputTokenLimitExceeded,
)
from pydantic_ai.models import Model
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.mistral import MistralModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.mistral import MistralProvider
from pydantic_ai.providers.openai import OpenAIProvider

from papers_pipeline.prompts.prompt import load_prompts
from papers_pipeline.sandbox.answers import Question, answer
from papers_pipeline.sandbox.world import Fault, Reply
from papers_pipeline_tests.conftest import Outside

PROVIDERS = ("openai", "mistral", "anthropic")
CHAT = {
    "openai": "/openai/v1/chat/completions",
    "mistral": "/mistral/v1/chat/completions",
    "anthropic": "/anthropic/v1/messages",
}
KEY = "a-key-of-the-test"
TITLE, ABSTRACT = (
    "Kettles That Whistle",
    "Whistling kettles warn too late, and a regressor predicts their boiling.",
)
MESSAGES = {
    prompt.language: prompt.messages(title=TITLE, abstract=ABSTRACT)
    for prompt in load_prompts().summaries
}
ENGLISH = MESSAGES["en"]
SCHEMA = {
    "type": "object",
    "properties": {"title": {"type": "string"}, "text": {"type": "string"}},
    "required": ["title", "text"],
    "additionalProperties": False,
}
ANSWER = answer(Question(ENGLISH.system, ENGLISH.user, SCHEMA["properties"]))
ANSWER_JSON = json.dumps(ANSWER, ensure_ascii=False)
INPUT_TOKENS = (len(ENGLISH.system) + len(ENGLISH.user) + 3) // 4
OUTPUT_TOKENS = (len(ANSWER_JSON) + 3) // 4
CHATTING = [
    {"role": "system", "content": ENGLISH.system},
    {"role": "user", "content": ENGLISH.user},
]
OPENAI = {
    "model": "gpt-6-luna",
    "messages": CHATTING,
    "tools": [
        {"type": "function", "function": {"name": "digest", "parameters": SCHEMA, "strict": True}}
    ],
    "tool_choice": "required",
}
MISTRAL = {
    "model": "mistral-small-latest",
    "messages": CHATTING,
    "tools": [{"type": "function", "function": {"name": "digest", "parameters": SCHEMA}}],
    "tool_choice": "any",
}
ANTHROPIC = {
    "model": "claude-haiku-5-5",
    "max_tokens": 2000,
    "system": ENGLISH.system,
    "messages": [{"role": "user", "content": ENGLISH.user}],
    "tools": [{"name": "digest", "input_schema": SCHEMA}],
    "tool_choice": {"type": "tool", "name": "digest"},
}


def openai_client(url: str, key: str = KEY, **settings: Any) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{url}/openai/v1", api_key=key, **{"max_retries": 0, **settings})


def mistral_client(url: str, key: str = KEY, **settings: Any) -> Mistral:
    return Mistral(server_url=f"{url}/mistral", api_key=key, **settings)


def anthropic_client(url: str, key: str = KEY, **settings: Any) -> anthropic.Anthropic:
    return anthropic.Anthropic(
        base_url=f"{url}/anthropic", api_key=key, **{"max_retries": 0, **settings}
    )


def asked_by_sdk(
    name: str, url: str, key: str = KEY, **settings: Any
) -> tuple[dict[str, Any], int, int]:
    """The arguments of the tool call, the tokens of the request and those of the answer."""
    if name == "openai":
        with openai_client(url, key, **settings) as client:
            said = client.chat.completions.create(**OPENAI)
        call = said.choices[0].message.tool_calls[0]
        return (
            json.loads(call.function.arguments),
            said.usage.prompt_tokens,
            said.usage.completion_tokens,
        )
    if name == "mistral":
        with mistral_client(url, key, **settings) as client:
            said = client.chat.complete(**MISTRAL)
        call = said.choices[0].message.tool_calls[0]
        return (
            json.loads(call.function.arguments),
            said.usage.prompt_tokens,
            said.usage.completion_tokens,
        )
    with anthropic_client(url, key, **settings) as client:
        said = client.messages.create(**ANTHROPIC)
    return said.content[0].input, said.usage.input_tokens, said.usage.output_tokens


class Digest(BaseModel):
    title: str
    text: str
    emoji: str


BY_TOOL = ToolOutput(Digest)


def model(name: str, url: str, key: str = KEY) -> Model:
    if name == "openai":
        return OpenAIChatModel(
            "gpt-6-luna", provider=OpenAIProvider(base_url=f"{url}/openai/v1", api_key=key)
        )
    if name == "mistral":
        provider = MistralProvider(base_url=f"{url}/mistral", api_key=key)
        return MistralModel("mistral-small-latest", provider=provider)
    return AnthropicModel(
        "claude-haiku-5-5", provider=AnthropicProvider(base_url=f"{url}/anthropic", api_key=key)
    )


def run(
    name: str,
    url: str,
    key: str = KEY,
    *,
    language: str = "ru",
    output: Any = BY_TOOL,
    **settings: Any,
) -> Any:
    """The result of an agent on one provider, without retries unless `retries` says so."""
    retries = settings.pop("retries", 0)

    async def once() -> Any:
        async with model(name, url, key) as speaker:
            agent = Agent(
                speaker, output_type=output, instructions=MESSAGES[language].system, retries=retries
            )
            return await agent.run(
                MESSAGES[language].user,
                model_settings={"max_retries": 0, "max_tokens": 2000, **settings},
            )

    return asyncio.run(once())


@pytest.mark.parametrize("name", PROVIDERS)
def test_an_sdk_gets_the_fields_it_asked_for_as_the_arguments_of_the_tool_call(
    name: str, outside: Outside
):
    assert asked_by_sdk(name, outside.url) == (ANSWER, INPUT_TOKENS, OUTPUT_TOKENS)


def test_the_answers_say_why_they_ended(outside: Outside):
    with openai_client(outside.url) as client:
        choice = client.chat.completions.create(**OPENAI).choices[0]
        assert (choice.finish_reason, choice.message.content) == ("tool_calls", None)
        assert choice.message.tool_calls[0].function.name == "digest"
    with mistral_client(outside.url) as client:
        choice = client.chat.complete(**MISTRAL).choices[0]
        assert (choice.finish_reason, choice.message.content) == ("tool_calls", "")
        assert choice.message.tool_calls[0].function.name == "digest"
    with anthropic_client(outside.url) as client:
        message = client.messages.create(**ANTHROPIC)
        assert (message.stop_reason, message.content[0].type, message.content[0].name) == (
            "tool_use",
            "tool_use",
            "digest",
        )


def test_a_tool_that_is_named_is_called_and_none_where_the_choice_is_none(outside: Outside):
    other = {
        "type": "function",
        "function": {"name": "other", "parameters": {"type": "object", "properties": {}}},
    }
    tools = [other, *OPENAI["tools"]]
    named = {"type": "function", "function": {"name": "digest"}}
    with openai_client(outside.url) as client:
        message = (
            client.chat.completions.create(**OPENAI | {"tools": tools, "tool_choice": named})
            .choices[0]
            .message
        )
        assert [call.function.name for call in message.tool_calls] == ["digest"]
        message = (
            client.chat.completions.create(**OPENAI | {"tool_choice": "none"}).choices[0].message
        )
        assert (message.tool_calls, message.content) == (None, ANSWER["text"])


def test_a_json_schema_is_answered_with_json_and_no_schema_with_prose(outside: Outside):
    plain = {"model": "gpt-6-luna", "messages": CHATTING}
    wanted = {
        "type": "json_schema",
        "json_schema": {"name": "digest", "schema": SCHEMA, "strict": True},
    }
    with openai_client(outside.url) as client:
        said = client.chat.completions.create(**plain, response_format=wanted).choices[0]
        assert (said.finish_reason, said.message.content) == ("stop", ANSWER_JSON)
        said = client.chat.completions.create(**plain).choices[0]
        assert (said.finish_reason, said.message.content) == ("stop", ANSWER["text"])
    plain = {"model": "claude-haiku-5-5", "max_tokens": 2000, "system": ENGLISH.system}
    plain["messages"] = ANTHROPIC["messages"]
    with anthropic_client(outside.url) as client:
        said = client.messages.create(
            **plain, output_config={"format": {"type": "json_schema", "schema": SCHEMA}}
        )
        assert (said.stop_reason, said.content[0].text) == ("end_turn", ANSWER_JSON)
        assert client.messages.create(**plain).content[0].text == ANSWER["text"]


def test_a_stream_adds_up_to_the_answer(outside: Outside):
    with openai_client(outside.url) as client:
        chunks = list(
            client.chat.completions.create(
                **OPENAI, stream=True, stream_options={"include_usage": True}
            )
        )
    deltas = [call for chunk in chunks[:-1] for call in chunk.choices[0].delta.tool_calls or []]
    assert json.loads("".join(delta.function.arguments for delta in deltas)) == ANSWER
    assert len(deltas) > 5
    assert (deltas[0].function.name, chunks[-2].choices[0].finish_reason) == (
        "digest",
        "tool_calls",
    )
    assert (chunks[-1].usage.prompt_tokens, chunks[-1].usage.completion_tokens) == (
        INPUT_TOKENS,
        OUTPUT_TOKENS,
    )

    with anthropic_client(outside.url) as client, client.messages.stream(**ANTHROPIC) as stream:
        events = [event.type for event in stream]
        message = stream.get_final_message()
    assert (message.content[0].input, message.stop_reason) == (ANSWER, "tool_use")
    assert (message.usage.input_tokens, message.usage.output_tokens) == (
        INPUT_TOKENS,
        OUTPUT_TOKENS,
    )
    assert (events[0], events[1], events[-1]) == (
        "message_start",
        "content_block_start",
        "message_stop",
    )
    assert events.count("content_block_delta") > 5

    with mistral_client(outside.url) as client, client.chat.stream(**MISTRAL) as stream:
        chunks = [event.data for event in stream]
    assert json.loads(chunks[0].choices[0].delta.tool_calls[0].function.arguments) == ANSWER
    assert (chunks[-1].choices[0].finish_reason, chunks[-1].usage.completion_tokens) == (
        "tool_calls",
        OUTPUT_TOKENS,
    )


def test_text_and_refusals_are_streamed_too(outside: Outside):
    plain = {"model": "gpt-6-luna", "messages": CHATTING, "stream": True}
    outside.world.replies = [Reply(content="Only this."), Reply("refusal"), Reply("refusal")]
    with openai_client(outside.url) as client:
        deltas = [chunk.choices[0].delta for chunk in client.chat.completions.create(**plain)]
        assert "".join(delta.content or "" for delta in deltas) == "Only this."
        deltas = [chunk.choices[0].delta for chunk in client.chat.completions.create(**plain)]
        assert (
            "".join(delta.refusal or "" for delta in deltas) == "I cannot help with this request."
        )
    with anthropic_client(outside.url) as client, client.messages.stream(**ANTHROPIC) as stream:
        message = stream.get_final_message()
    assert (message.stop_reason, message.content) == ("refusal", [])
    assert message.stop_details.explanation == "I cannot help with this request."


def test_the_asynchronous_clients_are_answered_at_the_same_time(outside: Outside):
    outside.world.latency_seconds = 0.3

    async def all_at_once() -> list[Any]:
        async with openai.AsyncOpenAI(base_url=f"{outside.url}/openai/v1", api_key=KEY) as client:
            return await asyncio.gather(
                *(client.chat.completions.create(**OPENAI) for _ in range(4))
            )

    said = asyncio.run(all_at_once())
    arrivals = [call.at for call in outside.world.calls]
    assert [
        json.loads(completion.choices[0].message.tool_calls[0].function.arguments)
        for completion in said
    ] == [ANSWER] * 4
    assert max(arrivals) - min(arrivals) < outside.world.latency_seconds


def test_the_models_are_listed_and_found_by_name(outside: Outside):
    with openai_client(outside.url) as client:
        assert [model.id for model in client.models.list()] == ["gpt-6-luna", "gpt-6.1-terra"]
        assert client.models.retrieve("gpt-6-luna").id == "gpt-6-luna"
        with pytest.raises(openai.NotFoundError, match="The model `unknown-1` does not exist"):
            client.models.retrieve("unknown-1")
    with mistral_client(outside.url) as client:
        assert [model.id for model in client.models.list().data] == [
            "mistral-large-latest",
            "mistral-small-latest",
        ]
    with anthropic_client(outside.url) as client:
        assert [model.id for model in client.models.list()] == [
            "claude-haiku-5-5",
            "claude-sonnet-5-5",
        ]
        assert client.models.retrieve("claude-haiku-5-5").display_name == "Claude Haiku 5 5"
    assert outside.world.asked == {"openai models": 3, "mistral models": 1, "anthropic models": 2}
    assert outside.world.calls == []


REFUSALS = {
    "openai": {
        "wrong-1": (openai.AuthenticationError, 401, "invalid_api_key"),
        "forbidden-1": (openai.PermissionDeniedError, 403, "unsupported_country_region_territory"),
        "nocredit-1": (openai.RateLimitError, 429, "insufficient_quota"),
    },
    "mistral": {
        "wrong-1": (SDKError, 401, '{"detail":"Unauthorized"}'),
        "forbidden-1": (SDKError, 403, '"type":"forbidden"'),
        "nocredit-1": (SDKError, 402, '"type":"payment_required"'),
    },
    "anthropic": {
        "wrong-1": (anthropic.AuthenticationError, 401, "invalid x-api-key"),
        "forbidden-1": (anthropic.PermissionDeniedError, 403, "permission_error"),
        "nocredit-1": (anthropic.BadRequestError, 400, "Your credit balance is too low"),
    },
}


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_key_that_is_refused_gets_the_providers_own_error(name: str, outside: Outside):
    for key, (error, status, words) in REFUSALS[name].items():
        with pytest.raises(error) as refused:
            asked_by_sdk(name, outside.url, key)
        assert refused.value.status_code == status
        assert words in (
            refused.value.body if name == "mistral" else json.dumps(refused.value.body)
        )
        assert outside.world.calls[-1].outcome == str(status)


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_request_without_a_key_is_refused(name: str, outside: Outside):
    body = {"openai": OPENAI, "mistral": MISTRAL, "anthropic": ANTHROPIC}[name]
    empty = {"Authorization": "Bearer ", "x-api-key": ""}
    for headers in ({}, empty):
        assert (
            requests.post(outside.url + CHAT[name], json=body, headers=headers).status_code == 401
        )
        assert requests.get(f"{outside.url}/{name}/v1/models", headers=headers).status_code == 401


def test_a_key_without_credit_still_lists_models_and_one_without_access_does_not(outside: Outside):
    with openai_client(outside.url, "nocredit-1") as client:
        assert len(list(client.models.list())) == 2
    with (
        openai_client(outside.url, "forbidden-1") as client,
        pytest.raises(openai.PermissionDeniedError),
    ):
        client.models.list()


def test_a_model_that_does_not_exist_is_refused(outside: Outside):
    with openai_client(outside.url) as client, pytest.raises(openai.NotFoundError) as missing:
        client.chat.completions.create(**OPENAI | {"model": "unknown-1"})
    assert missing.value.code == "model_not_found"
    with (
        mistral_client(outside.url) as client,
        pytest.raises(SDKError, match="Invalid model: unknown-1") as missing,
    ):
        client.chat.complete(**MISTRAL | {"model": "unknown-1"})
    assert missing.value.status_code == 400
    with (
        anthropic_client(outside.url) as client,
        pytest.raises(anthropic.NotFoundError, match="model: unknown-1"),
    ):
        client.messages.create(**ANTHROPIC | {"model": "unknown-1"})


def test_a_request_that_the_provider_would_not_take_is_refused(outside: Outside):
    loose = {
        "name": "digest",
        "strict": True,
        "parameters": SCHEMA | {"additionalProperties": True},
    }
    with (
        openai_client(outside.url) as client,
        pytest.raises(openai.BadRequestError, match="Invalid schema"),
    ):
        client.chat.completions.create(
            **OPENAI | {"tools": [{"type": "function", "function": loose}]}
        )
    unbounded = {name: value for name, value in ANTHROPIC.items() if name != "max_tokens"}
    said = requests.post(
        f"{outside.url}{CHAT['anthropic']}", json=unbounded, headers={"x-api-key": KEY}
    )
    assert (said.status_code, said.json()["error"]["message"]) == (
        400,
        "max_tokens: Field required",
    )
    said = requests.post(
        f"{outside.url}{CHAT['openai']}",
        data="{nothing",
        headers={"Authorization": f"Bearer {KEY}"},
    )
    assert (said.status_code, said.json()["error"]["type"]) == (400, "invalid_request_error")


@pytest.mark.parametrize("name", ["openai", "anthropic"])
def test_a_rate_limit_is_waited_out_by_the_sdk_as_retry_after_says(name: str, outside: Outside):
    outside.world.faults = [Fault(CHAT[name], 429, headers={"Retry-After": "0.3"})]
    assert asked_by_sdk(name, outside.url, max_retries=1)[0] == ANSWER
    first, second = outside.world.calls
    assert (first.outcome, second.outcome) == ("429", "ok")
    assert second.at - first.at >= 0.3


def test_a_rate_limit_of_mistral_is_raised_at_once_with_its_headers(outside: Outside):
    outside.world.faults = [Fault("/mistral/", 429, headers={"Retry-After": "7"})]
    with pytest.raises(SDKError, match="Rate limit exceeded") as limited:
        asked_by_sdk("mistral", outside.url)
    assert (limited.value.status_code, limited.value.headers["retry-after"]) == (429, "7")
    assert asked_by_sdk("mistral", outside.url)[0] == ANSWER


@pytest.mark.parametrize(
    ("name", "status", "error", "words"),
    [
        ("openai", 500, openai.InternalServerError, "The server had an error"),
        ("openai", 503, openai.InternalServerError, "currently overloaded"),
        ("mistral", 500, SDKError, "Service unavailable."),
        ("anthropic", 500, anthropic.InternalServerError, "Internal server error"),
        ("anthropic", 529, anthropic.OverloadedError, "Overloaded"),
    ],
)
def test_a_fault_without_a_body_speaks_in_the_providers_own_words(
    name: str, status: int, error: type[Exception], words: str, outside: Outside
):
    outside.world.faults = [Fault(CHAT[name], status)]
    with pytest.raises(error, match=words) as failed:
        asked_by_sdk(name, outside.url)
    assert failed.value.status_code == status
    assert [call.outcome for call in outside.world.calls] == [str(status)]


@pytest.mark.parametrize(
    ("name", "error", "settings"),
    [
        ("openai", openai.APITimeoutError, {"timeout": 0.1}),
        ("mistral", httpx2.ReadTimeout, {"timeout_ms": 100}),
        ("anthropic", anthropic.APITimeoutError, {"timeout": 0.1}),
    ],
)
def test_an_answer_that_is_late_times_out_and_its_call_is_counted(
    name: str, error: type[Exception], settings: dict[str, Any], outside: Outside
):
    outside.world.faults = [Fault(CHAT[name], seconds=0.4)]
    with pytest.raises(error):
        asked_by_sdk(name, outside.url, **settings)
    assert [call.outcome for call in outside.world.calls] == ["pending"]


@pytest.mark.parametrize("name", PROVIDERS)
def test_an_agent_gets_a_good_answer_with_its_usage(name: str, outside: Outside):
    wanted = answer(
        Question(
            MESSAGES["ru"].system, MESSAGES["ru"].user, {field: {} for field in Digest.model_fields}
        )
    )
    result = run(name, outside.url)
    assert result.output.model_dump() == wanted
    assert result.usage.requests == 1
    assert (
        result.usage.input_tokens
        == (len(MESSAGES["ru"].system) + len(MESSAGES["ru"].user) + 3) // 4
    )
    assert result.usage.output_tokens == (len(json.dumps(wanted, ensure_ascii=False)) + 3) // 4
    (call,) = outside.world.calls
    assert (call.provider, tuple(call.fields), call.language, call.title) == (
        name,
        ("title", "text", "emoji"),
        "ru",
        TITLE,
    )


BAD_REPLIES: dict[str, dict[Any, tuple[type[Exception], str]]] = {
    "openai": {
        "refusal": (ContentFilterError, "I cannot help with this request"),
        "truncated": (OutputTokenLimitExceeded, "incomplete arguments"),
        "malformed": (UnexpectedModelBehavior, "output retries"),
        "html": (UnexpectedModelBehavior, "expected JSON data"),
        "empty": (UnexpectedModelBehavior, "output retries"),
        "text": (UnexpectedModelBehavior, "output retries"),
    },
    "mistral": {
        "refusal": (UnexpectedModelBehavior, "output retries"),
        "truncated": (OutputTokenLimitExceeded, "incomplete arguments"),
        "malformed": (UnexpectedModelBehavior, "output retries"),
        "html": (ModelAPIError, "text/html"),
        "empty": (UnexpectedModelBehavior, "output retries"),
        "text": (UnexpectedModelBehavior, "output retries"),
    },
    "anthropic": {
        "refusal": (ContentFilterError, "I cannot help with this request"),
        # Without a stream the arguments are an object, cut off or not: only missing fields show.
        "truncated": (UnexpectedModelBehavior, "output retries"),
        "malformed": (UnexpectedModelBehavior, "output retries"),
        "html": (ModelAPIError, "Expected a JSON response"),
        "empty": (UnexpectedModelBehavior, "output retries"),
        "text": (UnexpectedModelBehavior, "output retries"),
    },
}


@pytest.mark.parametrize("name", PROVIDERS)
def test_an_agent_fails_on_every_kind_of_bad_reply(name: str, outside: Outside):
    for kind, (error, words) in BAD_REPLIES[name].items():
        outside.world.replies = [Reply(kind)]
        with pytest.raises(error, match=words):
            run(name, outside.url)
        assert outside.world.calls[-1].outcome == kind


@pytest.mark.parametrize("name", PROVIDERS)
def test_an_agent_that_asks_again_gets_the_good_answer(name: str, outside: Outside):
    good = run(name, outside.url).output
    for kind in ("malformed", "text", "empty"):
        outside.world.replies = [Reply(kind)]
        result = run(name, outside.url, retries=1)
        assert (result.output, result.usage.requests) == (good, 2)
        assert [call.outcome for call in outside.world.calls[-2:]] == [kind, "ok"]


def test_anthropic_answers_natively_and_by_tool_at_once_and_in_a_stream(outside: Outside):
    good = run("anthropic", outside.url).output
    # Up to some ten thousand tokens pydantic-ai asks for the answer at once, beyond for a stream.
    for output, most in ((Digest, 2000), (Digest, 64_000), (BY_TOOL, 64_000)):
        result = run("anthropic", outside.url, output=output, max_tokens=most)
        assert result.output == good
        assert (
            result.usage.output_tokens
            == (len(json.dumps(good.model_dump(), ensure_ascii=False)) + 3) // 4
        )


@pytest.mark.parametrize("name", PROVIDERS)
def test_an_agent_knows_a_refused_key_and_an_empty_account(name: str, outside: Outside):
    for key, error in (
        ("wrong-1", ModelAuthenticationError),
        ("forbidden-1", ModelAuthenticationError),
        ("nocredit-1", ModelQuotaExceededError),
    ):
        with pytest.raises(error):
            run(name, outside.url, key)


@pytest.mark.parametrize("name", PROVIDERS)
def test_an_agent_knows_rate_limits_failing_servers_and_timeouts(name: str, outside: Outside):
    for status, error in (
        (429, ModelRateLimitError),
        (500, ModelServerError),
        (529, ModelOverloadedError),
    ):
        outside.world.faults = [Fault(CHAT[name], status, headers={"Retry-After": "3"})]
        with pytest.raises(error) as failed:
            run(name, outside.url)
        assert (failed.value.status_code, failed.value.retry_after) == (status, 3.0)
    outside.world.faults = [Fault(CHAT[name], seconds=0.4)]
    with pytest.raises(ModelTimeoutError):
        run(name, outside.url, timeout=0.1)


def test_a_reply_is_for_the_provider_language_and_title_that_it_names(outside: Outside):
    def title(name: str, language: str) -> str:
        return run(name, outside.url, language=language).output.title

    mine = {"title": "Laid down", "text": "A text.", "emoji": "🫖"}
    outside.world.replies = [
        Reply(content=mine, title="Another Paper"),
        Reply(content=mine, provider="mistral", language="zh"),
        Reply(content=mine | {"title": "For all"}, language="en", title="That Whistle", times=2),
    ]
    assert title("openai", "zh") != "Laid down"
    assert title("mistral", "zh") == "Laid down"
    assert title("mistral", "zh") != "Laid down"
    assert [title(name, "en") == "For all" for name in PROVIDERS] == [True, True, False]
    assert [reply.times for reply in outside.world.replies] == [1, 0, 0]


def test_the_raw_content_of_a_reply_is_given_as_it_stands(outside: Outside):
    outside.world.replies = [
        Reply(content='{"title": 1}'),
        Reply("text", "Sure! Here it is."),
        Reply("html", "<p>Hi"),
    ]
    with openai_client(outside.url) as client:
        said = [client.chat.completions.create(**OPENAI).choices[0].message for _ in range(2)]
    assert said[0].tool_calls[0].function.arguments == '{"title": 1}'
    assert (said[1].tool_calls, said[1].content) == (None, "Sure! Here it is.")
    page = requests.post(
        outside.url + CHAT["openai"], json=OPENAI, headers={"Authorization": f"Bearer {KEY}"}
    )
    assert (page.status_code, page.headers["content-type"], page.text) == (
        200,
        "text/html; charset=utf-8",
        "<p>Hi",
    )


def test_half_an_answer_is_given_with_the_reason_of_length(outside: Outside):
    outside.world.replies = [Reply("truncated"), Reply("truncated")]
    with openai_client(outside.url) as client:
        choice = client.chat.completions.create(**OPENAI).choices[0]
    assert choice.finish_reason == "length"
    assert choice.message.tool_calls[0].function.arguments == ANSWER_JSON[: len(ANSWER_JSON) // 2]
    with anthropic_client(outside.url) as client:
        message = client.messages.create(**ANTHROPIC)
    assert message.stop_reason == "max_tokens"
    assert message.content[0].input["title"] == ANSWER["title"]
    assert ANSWER["text"].startswith(message.content[0].input["text"])


def test_the_calls_are_counted_by_paper_and_language_and_hold_no_key(outside: Outside):
    for name in PROVIDERS:
        asked_by_sdk(name, outside.url)
    run("mistral", outside.url, language="zh")
    calls = outside.world.calls
    assert [(call.provider, call.language, call.title) for call in calls] == [
        ("openai", "en", TITLE),
        ("mistral", "en", TITLE),
        ("anthropic", "en", TITLE),
        ("mistral", "zh", TITLE),
    ]
    assert [call.at for call in calls] == sorted(call.at for call in calls)
    assert outside.world.asked == {"openai answer": 1, "mistral answer": 2, "anthropic answer": 1}
    assert KEY not in requests.get(f"{outside.url}/_sandbox/state").text


def test_faults_and_replies_are_laid_down_and_calls_are_read_over_http(outside: Outside):
    def state(**given: Any) -> dict[str, Any]:
        return requests.post(f"{outside.url}/_sandbox/state", json=given).json()

    laid = {"kind": "refusal", "provider": "openai", "times": 2}
    told = state(replies=[laid], faults=[{"match": "/anthropic/", "status": 529}])
    assert told["replies"] == [asdict(Reply(**laid))]
    assert told["faults"] == [
        {
            "match": "/anthropic/",
            "status": 529,
            "body": "",
            "headers": {},
            "seconds": 0.0,
            "times": 1,
            "cut_after": None,
            "drip_seconds": 0.0,
        }
    ]
    with openai_client(outside.url) as client:
        assert (
            client.chat.completions.create(**OPENAI).choices[0].message.refusal
            == "I cannot help with this request."
        )
    with pytest.raises(anthropic.OverloadedError):
        asked_by_sdk("anthropic", outside.url)
    told = requests.get(f"{outside.url}/_sandbox/state").json()
    assert [(call["provider"], call["model"], call["outcome"]) for call in told["calls"]] == [
        ("openai", "gpt-6-luna", "refusal"),
        ("anthropic", "claude-haiku-5-5", "529"),
    ]
    assert (told["replies"][0]["times"], told["faults"][0]["times"]) == (1, 0)


def google_client(url: str, key: str = KEY) -> genai.Client:
    options = HttpOptions(base_url=f"{url}/google")
    return genai.Client(vertexai=False, api_key=key, http_options=options)


GOOGLE_CONFIG = GenerateContentConfig(
    system_instruction=ENGLISH.system,
    response_mime_type="application/json",
    response_json_schema=SCHEMA,
)


def ask_google(client: genai.Client, model: str = "gemini-3.5-flash") -> GenerateContentResponse:
    return client.models.generate_content(model=model, contents=ENGLISH.user, config=GOOGLE_CONFIG)


def test_gemini_answers_with_json_and_its_usage(outside: Outside):
    with google_client(outside.url) as client:
        response = ask_google(client)
    assert json.loads(response.text) == ANSWER
    assert response.candidates[0].finish_reason == FinishReason.STOP
    usage = response.usage_metadata
    assert usage.prompt_token_count == INPUT_TOKENS
    assert usage.candidates_token_count == OUTPUT_TOKENS
    (call,) = outside.world.calls
    assert (call.provider, call.model) == ("google", "gemini-3.5-flash")
    assert (call.language, call.title) == ("en", TITLE)


def test_gemini_calls_a_function(outside: Outside):
    digest = FunctionDeclaration(name="digest", parameters_json_schema=SCHEMA)
    config = GenerateContentConfig(
        system_instruction=ENGLISH.system, tools=[Tool(function_declarations=[digest])]
    )
    with google_client(outside.url) as client:
        response = client.models.generate_content(
            model="gemini-3.5-flash", contents=ENGLISH.user, config=config
        )
    (call,) = response.function_calls
    assert (call.name, call.args) == ("digest", ANSWER)


def test_gemini_blocks_a_prompt_and_cuts_off_an_answer(outside: Outside):
    outside.world.replies = [Reply("refusal"), Reply("truncated")]
    with google_client(outside.url) as client:
        blocked = ask_google(client)
        cut_off = ask_google(client)
    assert blocked.candidates is None
    assert blocked.prompt_feedback.block_reason == BlockedReason.PROHIBITED_CONTENT
    assert cut_off.candidates[0].finish_reason == FinishReason.MAX_TOKENS
    assert cut_off.text == ANSWER_JSON[: len(ANSWER_JSON) // 2]


def test_gemini_lists_its_models(outside: Outside):
    with google_client(outside.url, "nocredit-1") as client:
        names = [model.name for model in client.models.list()]
        assert names == ["models/gemini-3.5-flash", "models/gemini-3.8-flash"]
        assert client.models.get(model="gemini-3.5-flash").display_name == "Gemini 3.5 Flash"


@pytest.mark.parametrize(
    ("key", "model", "code", "status"),
    [
        ("wrong-1", "gemini-3.5-flash", 400, "INVALID_ARGUMENT"),
        ("forbidden-1", "gemini-3.5-flash", 403, "PERMISSION_DENIED"),
        ("nocredit-1", "gemini-3.5-flash", 429, "RESOURCE_EXHAUSTED"),
        (KEY, "unknown-1", 404, "NOT_FOUND"),
    ],
)
def test_gemini_refuses_in_its_own_words(
    outside: Outside, key: str, model: str, code: int, status: str
):
    with google_client(outside.url, key) as client, pytest.raises(ClientError) as refused:
        ask_google(client, model)
    assert (refused.value.code, refused.value.status) == (code, status)
    assert outside.world.calls[-1].outcome == str(code)


def test_deepseek_takes_no_json_schema(outside: Outside):
    schema = {"name": "digest", "schema": SCHEMA}
    wanted = {"type": "json_schema", "json_schema": schema}
    with (
        openai.OpenAI(base_url=f"{outside.url}/deepseek/v1", api_key=KEY, max_retries=0) as client,
        pytest.raises(openai.BadRequestError, match="response_format type is unavailable"),
    ):
        client.chat.completions.create(
            model="deepseek-v4-flash", messages=CHATTING, response_format=wanted
        )
