"""The providers of language models, as their official SDKs call them.

`base_path` says where each provider is. Any key is accepted, except that one starting with `wrong-`
is invalid, one starting with `forbidden-` has no access, and one starting with `nocredit-` may list
models but has no money left. A model exists unless its name starts with `unknown-`; the lists name
a few.
"""

import json
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from pydantic_core import from_json
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from papers_pipeline.base.model_providers import Provider
from papers_pipeline.sandbox.answers import Question, answer
from papers_pipeline.sandbox.world import Call, Reply, World

UNKNOWN = "unknown-"
REFUSAL = "I cannot help with this request."
PAGE = "<!doctype html><title>Bad gateway</title><p>The service is behind this page."
PIECE_CHARACTERS = 48
RELEASED = 1_767_225_600

Problem = Literal["missing", "wrong", "forbidden", "nocredit", "unknown", "request"]


@dataclass(frozen=True)
class Completion:
    """A model's answer: a call of `tool` with `arguments`, or `text`, and why it stopped.

    A token is counted for every four characters.
    """

    stop: Literal["stop", "tool", "length", "refusal"]
    input_tokens: int
    text: str = ""
    tool: str = ""
    arguments: str = ""
    cached_tokens: int = 0
    reasoning_tokens: int = 0

    @property
    def output_tokens(self) -> int:
        """All tokens of the answer, with those of reasoning."""
        return _tokens(self.text + self.arguments) + self.reasoning_tokens

    @property
    def finish_reason(self) -> str:
        """The reason to stop in the words of chat completions."""
        if self.stop == "tool":
            return "tool_calls"
        return "length" if self.stop == "length" else "stop"


def base_path(provider: Provider) -> str:
    """The path of a provider's base URL in the sandbox."""
    return f"/{provider.name}/v1" if provider.protocol == "openai" else f"/{provider.name}"


def complete(question: Question, reply: Reply | None) -> Completion:
    """The model's own answer, or the reply that a test has prepared."""
    reply = reply or Reply()
    return replace(
        _completion(question, reply),
        cached_tokens=reply.cached_tokens,
        reasoning_tokens=reply.reasoning_tokens,
    )


def _completion(question: Question, reply: Reply) -> Completion:
    tokens = _tokens(question.system + question.user)
    content = answer(question) if reply.content is None else reply.content
    if reply.kind == "refusal":
        return Completion("refusal", tokens, content if isinstance(content, str) else REFUSAL)
    if reply.kind == "empty":
        return Completion("stop", tokens)
    if isinstance(content, str):
        raw = content
    elif reply.kind == "text" or not question.fields:
        raw = str(content.get("text", ""))
    else:
        raw = json.dumps(content, ensure_ascii=False)
    if reply.kind == "malformed" and not isinstance(content, str):
        raw = raw.replace('": ', '" ', 1)
    if reply.kind == "truncated":
        raw = raw[: len(raw) // 2]
    stop: Literal["length", "stop", "tool"] = "length" if reply.kind == "truncated" else "stop"
    if not question.tool or reply.kind == "text":
        return Completion(stop, tokens, raw)
    return Completion("tool" if stop == "stop" else stop, tokens, "", question.tool, raw)


class Endpoint(Protocol):
    """A provider's wire format: reads questions, and writes answers, model lists and errors."""

    name: str
    chat: str
    """The route that answers questions."""
    list: str
    """The route that lists models; `/<model>` is added for a single one."""

    def asked_model(self, path: str, body: Mapping[str, Any]) -> str | None:
        """The model that a POST to `path` asks; None if the path answers no questions."""

    def key(self, request: Request) -> str: ...

    def question(self, body: Mapping[str, Any]) -> Question: ...

    def fault(self, body: Mapping[str, Any]) -> str:
        """Why a well-formed request is rejected; empty if it is not."""

    def answer(self, completion: Completion, body: Mapping[str, Any], model: str) -> Response: ...

    def card(self, model: str) -> dict[str, Any]: ...

    def listing(self) -> dict[str, Any]: ...

    def problem(self, problem: Problem, detail: str = "") -> Response: ...

    def error(self, status: int) -> dict[str, Any]:
        """The body of an error on the provider's side, such as a rate limit."""


class OpenAI:
    """OpenAI's chat completions.

    https://platform.openai.com/docs/api-reference/chat
    https://developers.openai.com/api/docs/guides/error-codes
    """

    def __init__(self, name: str, *models: str) -> None:
        self.name = name
        self.chat = f"/{name}/v1/chat/completions"
        self.list = f"/{name}/v1/models"
        self._models = models

    def asked_model(self, path: str, body: Mapping[str, Any]) -> str | None:
        return str(body.get("model", "")) if path == self.chat else None

    def key(self, request: Request) -> str:
        return request.headers.get("authorization", "").removeprefix("Bearer").strip()

    def question(self, body: Mapping[str, Any]) -> Question:
        system, user = conversation(body.get("messages"))
        choice = body.get("tool_choice", "auto")
        named = choice.get("function", {}).get("name") if isinstance(choice, dict) else None
        tools = [tool["function"] for tool in body.get("tools") or [] if "function" in tool]
        tool = _chosen(tools, named)
        if tool and choice != "none":
            return Question(system, user, schema_fields(tool.get("parameters")), tool["name"])
        return Question(system, user, schema_fields(_json_schema(body).get("schema")))

    def fault(self, body: Mapping[str, Any]) -> str:
        if not body.get("model") or not body.get("messages"):
            return "model and messages are required"
        return ""

    def answer(self, completion: Completion, body: Mapping[str, Any], model: str) -> Response:
        if body.get("stream"):
            return _event_stream(self.events(completion, body))
        return JSONResponse(self.message(completion, model))

    def message(self, completion: Completion, model: str) -> dict[str, Any]:
        refused = completion.stop == "refusal"
        message: dict[str, Any] = {
            "role": "assistant",
            "content": None if completion.tool or refused else completion.text,
            "refusal": completion.text if refused else None,
        }
        if completion.tool:
            message["tool_calls"] = [_tool_call(completion, completion.arguments)]
        return _chat_completion(completion, model) | {
            "choices": [{"index": 0, "message": message, "finish_reason": completion.finish_reason}]
        }

    def events(self, completion: Completion, body: Mapping[str, Any]) -> Iterator[str]:
        model = str(body.get("model"))
        whole = _chat_completion(completion, model) | {"object": "chat.completion.chunk"}
        usage = whole.pop("usage")
        kind = "refusal" if completion.stop == "refusal" else "content"
        deltas: list[dict[str, Any]] = [{"role": "assistant"}]
        if completion.tool:
            deltas.append({"tool_calls": [_tool_call(completion, arguments="")]})
        for piece in _pieces(completion.text):
            deltas.append({kind: piece})
        for piece in _pieces(completion.arguments):
            deltas.append({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
        for delta in deltas:
            choice: dict[str, Any] = {"index": 0, "delta": delta, "finish_reason": None}
            yield _data(whole | {"choices": [choice]})
        last = {"index": 0, "delta": {}, "finish_reason": completion.finish_reason}
        yield _data(whole | {"choices": [last]})
        if (body.get("stream_options") or {}).get("include_usage"):
            yield _data(whole | {"choices": [], "usage": usage})
        yield "data: [DONE]\n\n"

    def card(self, model: str) -> dict[str, Any]:
        return {"id": model, "object": "model", "created": RELEASED, "owned_by": "system"}

    def listing(self) -> dict[str, Any]:
        return {"object": "list", "data": [self.card(model) for model in self._models]}

    def problem(self, problem: Problem, detail: str = "") -> Response:
        status, kind, code, message = {
            "missing": (401, "invalid_request_error", None, "You didn't provide an API key."),
            "wrong": (
                401,
                "invalid_request_error",
                "invalid_api_key",
                "Incorrect API key provided.",
            ),
            "forbidden": (
                403,
                "request_forbidden",
                "unsupported_country_region_territory",
                "Country, region, or territory not supported",
            ),
            # The code is from https://help.openai.com/en/articles/6614457, the type is older.
            "nocredit": (
                429,
                "insufficient_quota",
                "credit_balance_exhausted",
                "You exceeded your current quota, please check your plan and billing details.",
            ),
            "unknown": (
                404,
                "invalid_request_error",
                "model_not_found",
                f"The model `{detail}` does not exist.",
            ),
            "request": (400, "invalid_request_error", None, detail),
        }[problem]
        return JSONResponse(
            {"error": {"message": message, "type": kind, "param": None, "code": code}}, status
        )

    def error(self, status: int) -> dict[str, Any]:
        kind, code, message = {
            429: ("requests", "rate_limit_exceeded", "Rate limit reached for requests."),
            503: (
                "server_error",
                None,
                "The engine is currently overloaded, please try again later.",
            ),
        }.get(
            status, ("server_error", None, "The server had an error while processing your request.")
        )
        return {"error": {"message": message, "type": kind, "param": None, "code": code}}


class OfficialOpenAI(OpenAI):
    """OpenAI's own server, which is strict about schemas; other servers are not."""

    def fault(self, body: Mapping[str, Any]) -> str:
        schemas = []
        for tool in body.get("tools") or []:
            function = tool.get("function", {})
            if function.get("strict"):
                schemas.append((function["name"], function.get("parameters")))
        described = _json_schema(body)
        if described.get("strict"):
            schemas.append((described["name"], described.get("schema")))
        for name, schema in schemas:
            if not is_strict(schema):
                return (
                    f"Invalid schema for '{name}': 'additionalProperties' must be false "
                    "and all properties required."
                )
        return super().fault(body)


class DeepSeek(OpenAI):
    """DeepSeek's chat completions, which take no JSON schema.

    https://api-docs.deepseek.com/quick_start/error_codes
    """

    def fault(self, body: Mapping[str, Any]) -> str:
        if _json_schema(body):
            return "This response_format type is unavailable now"
        return super().fault(body)

    def problem(self, problem: Problem, detail: str = "") -> Response:
        if problem != "nocredit":
            return super().problem(problem, detail)
        error = {"message": "Insufficient Balance", "type": "unknown_error", "param": None}
        return JSONResponse({"error": error | {"code": "invalid_request_error"}}, 402)


class OpenRouter(OpenAI):
    """OpenRouter's chat completions, which name the provider that answered.

    https://openrouter.ai/docs/api-reference/errors
    """

    def message(self, completion: Completion, model: str) -> dict[str, Any]:
        return super().message(completion, model) | {"provider": "Sandbox"}

    def problem(self, problem: Problem, detail: str = "") -> Response:
        if problem != "nocredit":
            return super().problem(problem, detail)
        return JSONResponse({"error": {"code": 402, "message": "Insufficient credits"}}, 402)


class Mistral(OpenAI):
    """Mistral's chat completions, with its own tool choices, refusals and errors.

    https://docs.mistral.ai/api
    """

    def message(self, completion: Completion, model: str) -> dict[str, Any]:
        message: dict[str, Any] = {
            "role": "assistant",
            "content": completion.text,
            "tool_calls": None,
        }
        if completion.tool:
            message["tool_calls"] = [_tool_call(completion, completion.arguments)]
        return _chat_completion(completion, model) | {
            "choices": [{"index": 0, "message": message, "finish_reason": completion.finish_reason}]
        }

    def events(self, completion: Completion, body: Mapping[str, Any]) -> Iterator[str]:
        whole = _chat_completion(completion, str(body.get("model"))) | {
            "object": "chat.completion.chunk"
        }
        usage = whole.pop("usage")
        delta: dict[str, Any] = {"role": "assistant", "content": completion.text}
        if completion.tool:
            delta["tool_calls"] = [_tool_call(completion, completion.arguments)]
        choice = {"index": 0, "delta": delta, "finish_reason": completion.finish_reason}
        yield _data(whole | {"choices": [choice], "usage": usage})
        yield "data: [DONE]\n\n"

    def card(self, model: str) -> dict[str, Any]:
        abilities = {"completion_chat": True, "function_calling": True}
        return super().card(model) | {
            "type": "base",
            "owned_by": "mistralai",
            "capabilities": abilities,
        }

    def problem(self, problem: Problem, detail: str = "") -> Response:
        if problem in ("missing", "wrong"):
            return JSONResponse({"detail": "Unauthorized"}, 401)
        status, kind, code, message = {
            "forbidden": (
                403,
                "forbidden",
                None,
                "Access to this resource is not allowed for this key.",
            ),
            "nocredit": (
                402,
                "payment_required",
                None,
                "Payment required: the credit balance has reached zero.",
            ),
            "unknown": (400, "invalid_model", "1500", f"Invalid model: {detail}"),
            "request": (422, "invalid_request_error", None, detail),
        }[problem]
        return JSONResponse(_mistral_error(status, kind, code, message), status)

    def error(self, status: int) -> dict[str, Any]:
        if status == 429:
            return _mistral_error(429, "rate_limited", "1300", "Rate limit exceeded")
        return _mistral_error(status, "internal_server_error", "3000", "Service unavailable.")


class Anthropic:
    """Anthropic's messages, their streaming and their errors.

    https://docs.anthropic.com/en/api/messages
    """

    def __init__(self, name: str, *models: str) -> None:
        self.name = name
        self.chat = f"/{name}/v1/messages"
        self.list = f"/{name}/v1/models"
        self._models = models

    def asked_model(self, path: str, body: Mapping[str, Any]) -> str | None:
        return str(body.get("model", "")) if path == self.chat else None

    def key(self, request: Request) -> str:
        bearer = request.headers.get("authorization", "").removeprefix("Bearer").strip()
        return request.headers.get("x-api-key", "") or bearer

    def question(self, body: Mapping[str, Any]) -> Question:
        _, user = conversation(body.get("messages"))
        system = _text(body.get("system"))
        choice = body.get("tool_choice") or {}
        tool = _chosen(body.get("tools") or [], choice.get("name"))
        if tool and choice.get("type") != "none":
            return Question(system, user, schema_fields(tool.get("input_schema")), tool["name"])
        wanted = (body.get("output_config") or {}).get("format") or body.get("output_format") or {}
        return Question(system, user, schema_fields(wanted.get("schema")))

    def fault(self, body: Mapping[str, Any]) -> str:
        if not body.get("model") or not body.get("messages"):
            return "model and messages are required"
        return "" if body.get("max_tokens") else "max_tokens: Field required"

    def answer(self, completion: Completion, body: Mapping[str, Any], model: str) -> Response:
        if body.get("stream"):
            return _event_stream(self.events(completion, body))
        return JSONResponse(self.message(completion, model))

    def message(self, completion: Completion, model: str) -> dict[str, Any]:
        refused = completion.stop == "refusal"
        block: list[dict[str, Any]] = (
            [{"type": "text", "text": completion.text}] if completion.text and not refused else []
        )
        if completion.tool:
            block = [
                {
                    "type": "tool_use",
                    "id": "toolu_sandbox",
                    "name": completion.tool,
                    "input": _read(completion.arguments),
                }
            ]
        return {
            "id": "msg_sandbox",
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": block,
            "stop_reason": {"stop": "end_turn", "tool": "tool_use", "length": "max_tokens"}.get(
                completion.stop, completion.stop
            ),
            "stop_sequence": None,
            "stop_details": {"type": "refusal", "category": None, "explanation": completion.text}
            if refused
            else None,
            "usage": {
                # Anthropic alone counts cached tokens apart.
                "input_tokens": completion.input_tokens - completion.cached_tokens,
                "cache_read_input_tokens": completion.cached_tokens,
                "output_tokens": completion.output_tokens,
            },
        }

    def events(self, completion: Completion, body: Mapping[str, Any]) -> Iterator[str]:
        whole = self.message(completion, str(body.get("model")))
        ends = {name: whole[name] for name in ("stop_reason", "stop_sequence", "stop_details")}
        start = whole | dict.fromkeys(ends) | {"content": []}
        start["usage"] = whole["usage"] | {"output_tokens": 1}
        events: list[dict[str, Any]] = [{"type": "message_start", "message": start}]
        for block in whole["content"]:
            empty: dict[str, Any] = {"input": {}} if completion.tool else {"text": ""}
            deltas: list[dict[str, Any]] = []
            for piece in _pieces(completion.text):
                deltas.append({"type": "text_delta", "text": piece})
            for piece in _pieces(completion.arguments):
                deltas.append({"type": "input_json_delta", "partial_json": piece})
            opened = {"type": "content_block_start", "index": 0, "content_block": block | empty}
            events.append(opened)
            for delta in deltas:
                events.append({"type": "content_block_delta", "index": 0, "delta": delta})
            events.append({"type": "content_block_stop", "index": 0})
        usage = {"output_tokens": completion.output_tokens}
        events.append({"type": "message_delta", "delta": ends, "usage": usage})
        events.append({"type": "message_stop"})
        for event in events:
            yield f"event: {event['type']}\n{_data(event)}"

    def card(self, model: str) -> dict[str, Any]:
        return {
            "type": "model",
            "id": model,
            "display_name": model.replace("-", " ").title(),
            "created_at": "2026-01-01T00:00:00Z",
            "lifecycle": "active",
        }

    def listing(self) -> dict[str, Any]:
        cards = [self.card(model) for model in self._models]
        return {
            "data": cards,
            "has_more": False,
            "first_id": self._models[0],
            "last_id": self._models[-1],
        }

    def problem(self, problem: Problem, detail: str = "") -> Response:
        status, kind, message = {
            "missing": (401, "authentication_error", "x-api-key header is required"),
            "wrong": (401, "authentication_error", "invalid x-api-key"),
            "forbidden": (
                403,
                "permission_error",
                "Your API key does not have permission to use the specified resource.",
            ),
            # Not the documented 402 billing_error:
            # https://github.com/anthropics/anthropic-sdk-typescript/issues/618
            "nocredit": (
                400,
                "invalid_request_error",
                "Your credit balance is too low to access the Anthropic API. "
                "Please go to Plans & Billing to upgrade or purchase credits.",
            ),
            "unknown": (404, "not_found_error", f"model: {detail}"),
            "request": (400, "invalid_request_error", detail),
        }[problem]
        return JSONResponse(_anthropic_error(kind, message), status)

    def error(self, status: int) -> dict[str, Any]:
        kind, message = {
            429: ("rate_limit_error", "This request would exceed your account's rate limit."),
            504: ("timeout_error", "The request timed out."),
            529: ("overloaded_error", "Overloaded"),
        }.get(status, ("api_error", "Internal server error"))
        return _anthropic_error(kind, message)


class Google:
    """Gemini's generateContent, without its streams.

    https://ai.google.dev/api/generate-content
    https://ai.google.dev/gemini-api/docs/troubleshooting
    """

    def __init__(self, name: str, *models: str) -> None:
        self.name = name
        self.list = f"/{name}/v1beta/models"
        self.chat = f"{self.list}/{{model}}:generateContent"
        self._models = models

    def asked_model(self, path: str, body: Mapping[str, Any]) -> str | None:
        model, _, method = path.removeprefix(f"{self.list}/").partition(":")
        return model if path.startswith(self.list) and method == "generateContent" else None

    def key(self, request: Request) -> str:
        return request.headers.get("x-goog-api-key", "") or request.query_params.get("key", "")

    def question(self, body: Mapping[str, Any]) -> Question:
        system = _text((body.get("systemInstruction") or {}).get("parts"))
        user = "\n".join(_text(turn.get("parts")) for turn in body.get("contents") or [])
        mode = (body.get("toolConfig") or {}).get("functionCallingConfig", {}).get("mode")
        functions: list[dict[str, Any]] = []
        for tools in body.get("tools") or []:
            functions += tools.get("functionDeclarations", [])
        if functions and mode != "NONE":
            function = functions[0]
            # Gemini reads both spellings, and the SDK sends the second.
            schema = function.get("parametersJsonSchema") or function.get("parameters_json_schema")
            return Question(system, user, schema_fields(schema), function["name"])
        config = body.get("generationConfig") or {}
        return Question(system, user, schema_fields(config.get("responseJsonSchema")))

    def fault(self, body: Mapping[str, Any]) -> str:
        return "" if body.get("contents") else "* contents: contents is not specified"

    def answer(self, completion: Completion, body: Mapping[str, Any], model: str) -> Response:
        usage = {
            "promptTokenCount": completion.input_tokens,
            "cachedContentTokenCount": completion.cached_tokens,
            "candidatesTokenCount": completion.output_tokens - completion.reasoning_tokens,
            "thoughtsTokenCount": completion.reasoning_tokens,
            "totalTokenCount": completion.input_tokens + completion.output_tokens,
        }
        whole: dict[str, Any] = {
            "usageMetadata": usage,
            "modelVersion": model,
            "responseId": "sandbox",
        }
        if completion.stop == "refusal":
            return JSONResponse(whole | {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}})
        parts: list[dict[str, Any]] = [{"text": completion.text}] if completion.text else []
        if completion.tool:
            call = {"name": completion.tool, "args": _read(completion.arguments)}
            parts = [{"functionCall": call}]
        candidate = {
            "content": {"role": "model", "parts": parts},
            "finishReason": "MAX_TOKENS" if completion.stop == "length" else "STOP",
            "index": 0,
        }
        return JSONResponse(whole | {"candidates": [candidate]})

    def card(self, model: str) -> dict[str, Any]:
        return {
            "name": f"models/{model}",
            "version": "001",
            "displayName": model.replace("-", " ").title(),
            "inputTokenLimit": 1_048_576,
            "outputTokenLimit": 65_536,
            "supportedGenerationMethods": ["generateContent", "countTokens"],
        }

    def listing(self) -> dict[str, Any]:
        return {"models": [self.card(model) for model in self._models]}

    def problem(self, problem: Problem, detail: str = "") -> Response:
        details: list[dict[str, Any]] = []
        if problem == "missing":
            code, status = 403, "PERMISSION_DENIED"
            message = "Method doesn't allow unregistered callers."
        elif problem == "wrong":
            # Not 401: https://ai.google.dev/gemini-api/docs/troubleshooting
            code, status = 400, "INVALID_ARGUMENT"
            message = "API key not valid. Please pass a valid API key."
            details = [_google_detail("ErrorInfo", reason="API_KEY_INVALID")]
        elif problem == "forbidden":
            code, status = 403, "PERMISSION_DENIED"
            message = "Your API key doesn't have the required permissions."
        elif problem == "nocredit":
            code, status = 429, "RESOURCE_EXHAUSTED"
            message = "You exceeded your current quota, please check your plan and billing details."
            quota = {"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}
            details = [_google_detail("QuotaFailure", violations=[quota])]
        elif problem == "unknown":
            code, status = 404, "NOT_FOUND"
            message = f"models/{detail} is not found for API version v1beta."
        else:
            code, status, message = 400, "INVALID_ARGUMENT", detail
        return JSONResponse(_google_error(code, status, message, details), code)

    def error(self, status: int) -> dict[str, Any]:
        if status == 429:
            return _google_error(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted.")
        if status in (503, 529):
            return _google_error(status, "UNAVAILABLE", "The model is overloaded.")
        return _google_error(status, "INTERNAL", "An internal error has occurred.")


ENDPOINTS: tuple[Endpoint, ...] = (
    OfficialOpenAI("openai", "gpt-6-luna", "gpt-6.1-terra"),
    Mistral("mistral", "mistral-large-latest", "mistral-small-latest"),
    Anthropic("anthropic", "claude-haiku-5-5", "claude-sonnet-5-5"),
    Google("google", "gemini-3.5-flash", "gemini-3.8-flash"),
    DeepSeek("deepseek", "deepseek-v4-flash", "deepseek-v4-pro"),
    OpenAI("qwen", "qwen-plus", "qwen3.5-plus"),
    OpenRouter("openrouter", "deepseek/deepseek-chat", "qwen/qwen3-32b"),
    OpenAI("local", "qwen3:8b"),
)
"""One endpoint for each row of `PROVIDERS`."""


async def arrival(world: World, request: Request) -> Call | None:
    """Record a question to a provider when it arrives, before any fault.

    Returns None for every other request.
    """
    if request.method != "POST":
        return None
    endpoint = _endpoint(request.url.path)
    if endpoint is None:
        return None
    # The body can be received once.
    request.scope["body"] = await request.body()
    body = _read(request.scope["body"])
    model = endpoint.asked_model(request.url.path, body)
    if model is None:
        return None
    question = endpoint.question(body)
    call = Call(
        endpoint.name,
        model,
        time.monotonic(),
        question.fields,
        question.language,
        question.title,
        question=question.hash,
    )
    world.add(call)
    world.asked[f"{endpoint.name} answer"] += 1
    request.scope["asked"] = (body, question, call)
    return call


def error(path: str, status: int) -> dict[str, Any] | None:
    """The provider's own body for an error status on one of its paths; None on other paths."""
    endpoint = _endpoint(path)
    return endpoint.error(status) if endpoint and status >= 400 else None


def routes(world: World) -> list[Route]:
    """The routes of all providers."""
    routes = []
    for endpoint in ENDPOINTS:
        routes += _endpoint_routes(world, endpoint)
    return routes


def _endpoint(path: str) -> Endpoint | None:
    for endpoint in ENDPOINTS:
        if path.startswith(f"/{endpoint.name}/"):
            return endpoint
    return None


def _endpoint_routes(world: World, endpoint: Endpoint) -> list[Route]:
    async def chat(request: Request) -> Response:
        body, question, call = request.scope["asked"]
        wrong_key = key_problem(endpoint.key(request))
        fault = endpoint.fault(body)
        wait_seconds = world.seconds_over_rate(call)
        if wrong_key:
            response = endpoint.problem(wrong_key)
        elif call.model.startswith(UNKNOWN):
            response = endpoint.problem("unknown", call.model)
        elif fault:
            response = endpoint.problem("request", fault)
        elif wait_seconds:
            headers = {"Retry-After": str(math.ceil(wait_seconds))}
            response = JSONResponse(endpoint.error(429), 429, headers)
        else:
            return answered(body, question, call)
        call.outcome = str(response.status_code)
        return response

    def answered(body: Mapping[str, Any], question: Question, call: Call) -> Response:
        reply = world.reply(call)
        call.outcome = reply.kind if reply else "ok"
        if reply and reply.kind == "html":
            return HTMLResponse(reply.content if isinstance(reply.content, str) else PAGE)
        response = endpoint.answer(complete(question, reply), body, call.model)
        return response if reply is None or reply.reports_usage else _without_usage(response)

    async def models(request: Request) -> Response:
        world.asked[f"{endpoint.name} models"] += 1
        problem = key_problem(endpoint.key(request))
        if problem and problem != "nocredit":
            return endpoint.problem(problem)
        model = request.path_params.get("model", "")
        if model.startswith(UNKNOWN):
            return endpoint.problem("unknown", model)
        return JSONResponse(endpoint.card(model) if model else endpoint.listing())

    return [
        Route(endpoint.chat, chat, methods=["POST"]),
        Route(endpoint.list, models),
        Route(f"{endpoint.list}/{{model}}", models),
    ]


def key_problem(key: str) -> Problem | None:
    """What is wrong with a key; None if nothing is."""
    if not key:
        return "missing"
    problems: tuple[Problem, ...] = ("wrong", "forbidden", "nocredit")
    for problem in problems:
        if key.startswith(f"{problem}-"):
            return problem
    return None


def conversation(messages: Any) -> tuple[str, str]:
    """The text of the system messages, and the text of all others."""
    system, others = [], []
    for message in messages or []:
        text = _text(message.get("content"))
        if message.get("role") in ("system", "developer"):
            system.append(text)
        else:
            others.append(text)
    return "\n".join(system), "\n".join(others)


def _text(content: Any) -> str:
    """The text of a message's content: a string, or parts that have one."""
    if isinstance(content, str):
        return content
    return "\n".join(_text(part.get("text", part.get("content"))) for part in content or [])


def _json_schema(body: Mapping[str, Any]) -> dict[str, Any]:
    """Name, schema and strictness of the requested response format; empty without one."""
    return (body.get("response_format") or {}).get("json_schema") or {}


def _chosen(tools: list[dict[str, Any]], name: str | None) -> dict[str, Any] | None:
    for tool in tools:
        if name in (None, tool["name"]):
            return tool
    return None


def schema_fields(schema: Any) -> dict[str, Any]:
    """The schemas of an object's properties, with references resolved."""
    schema = schema or {}
    definitions = schema.get("$defs", {})

    def resolved(node: Any) -> Any:
        if isinstance(node, list):
            return [resolved(item) for item in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            return resolved(definitions.get(node["$ref"].rpartition("/")[2], {}))
        return {name: resolved(item) for name, item in node.items()}

    return {name: resolved(part) for name, part in schema.get("properties", {}).items()}


def is_strict(schema: Any) -> bool:
    """Whether every object forbids other properties and requires its own.

    OpenAI's strict mode demands both.
    """
    if isinstance(schema, list):
        return all(map(is_strict, schema))
    if not isinstance(schema, dict):
        return True
    if schema.get("type") == "object":
        required = set(schema.get("required", []))
        if schema.get("additionalProperties") is not False:
            return False
        if required != set(schema.get("properties", {})):
            return False
    return all(map(is_strict, schema.values()))


def _chat_completion(completion: Completion, model: str) -> dict[str, Any]:
    usage = {
        "prompt_tokens": completion.input_tokens,
        "completion_tokens": completion.output_tokens,
        "total_tokens": completion.input_tokens + completion.output_tokens,
        "prompt_tokens_details": {"cached_tokens": completion.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": completion.reasoning_tokens},
    }
    return {
        "id": "chatcmpl-sandbox",
        "object": "chat.completion",
        "created": RELEASED,
        "model": model,
        "usage": usage,
    }


def _tool_call(completion: Completion, arguments: str) -> dict[str, Any]:
    # Nine letters or digits: Mistral accepts no other id.
    return {
        "index": 0,
        "id": "sandbox00",
        "type": "function",
        "function": {"name": completion.tool, "arguments": arguments},
    }


def _mistral_error(status: int, kind: str, code: str | None, message: str) -> dict[str, Any]:
    error = {"object": "error", "message": message, "type": kind, "param": None, "code": code}
    return error | {"raw_status_code": status}


def _anthropic_error(kind: str, message: str) -> dict[str, Any]:
    return {
        "type": "error",
        "error": {"type": kind, "message": message},
        "request_id": "req_sandbox",
    }


def _google_error(
    code: int, status: str, message: str, details: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    error: dict[str, Any] = {"code": code, "message": message, "status": status}
    return {"error": error | {"details": details} if details else error}


def _google_detail(kind: str, **fields: Any) -> dict[str, Any]:
    return {"@type": f"type.googleapis.com/google.rpc.{kind}", **fields}


def _data(event: dict[str, Any]) -> str:
    return f"data: {json.dumps(event)}\n\n"


def _without_usage(response: Response) -> Response:
    """The answer of a server that counts no tokens. It is not a stream."""
    whole = _read(bytes(response.body))
    for name in ("usage", "usageMetadata"):
        whole.pop(name, None)
    return JSONResponse(whole)


def _event_stream(events: Iterator[str]) -> Response:
    return Response("".join(events), media_type="text/event-stream")


def _read(text: str | bytes) -> dict[str, Any]:
    """The object in a JSON text, cut off or not; empty if the text is anything else."""
    try:
        given = from_json(text, allow_partial="trailing-strings")
    except ValueError:
        return {}
    return given if isinstance(given, dict) else {}


def _pieces(text: str) -> Iterator[str]:
    for start in range(0, len(text), PIECE_CHARACTERS):
        yield text[start : start + PIECE_CHARACTERS]


def _tokens(text: str) -> int:
    return (len(text) + 3) // 4
