"""The providers of language models, as their official SDKs call them.

The base URLs are `/openai/v1`, `/mistral` and `/anthropic`. Any key will do, except that one that begins with `wrong-`
is refused, with `forbidden-` has no access, and with `nocredit-` may list models but has no money left. Every model
exists whose name does not begin with `unknown-`; the listings name a few.
"""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from pydantic_core import from_json
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from papers_pipeline.sandbox.answers import Question, answer
from papers_pipeline.sandbox.world import Call, Reply, World

UNKNOWN = "unknown-"
REFUSAL = "I cannot help with this request."
PAGE = "<!doctype html><title>Bad gateway</title><p>The service is behind this page."
PIECE_CHARACTERS = 48
RELEASED = 1_767_225_600

Problem = Literal["missing", "wrong", "forbidden", "nocredit", "unknown", "request"]


@dataclass(frozen=True)
class Said:
    """What a model says: a call of ``tool`` with ``arguments``, or ``text``; and why it stopped. Tokens are about a
    quarter of the characters."""

    stop: Literal["stop", "tool", "length", "refusal"]
    input_tokens: int
    text: str = ""
    tool: str = ""
    arguments: str = ""

    @property
    def output_tokens(self) -> int:
        return _tokens(self.text + self.arguments)

    @property
    def reason(self) -> str:
        """Why it stopped, as chat completions put it."""
        return {"stop": "stop", "tool": "tool_calls", "length": "length", "refusal": "stop"}[
            self.stop
        ]


def say(question: Question, reply: Reply | None) -> Said:
    """The model's own answer, or the reply that is laid down."""
    reply = reply or Reply()
    tokens = _tokens(question.system + question.user)
    content = answer(question) if reply.content is None else reply.content
    if reply.kind == "refusal":
        return Said("refusal", tokens, content if isinstance(content, str) else REFUSAL)
    if reply.kind == "empty":
        return Said("stop", tokens)
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
        return Said(stop, tokens, raw)
    return Said("tool" if stop == "stop" else stop, tokens, "", question.tool, raw)


class Provider(Protocol):
    """A wire format: how a question is read, and how an answer, a listing and an error are written."""

    name: str
    chat: str
    """The path that answers questions."""
    models: tuple[str, ...]

    def key(self, request: Request) -> str: ...

    def question(self, body: Mapping[str, Any]) -> Question: ...

    def fault(self, body: Mapping[str, Any]) -> str:
        """What is wrong with a request that is well-formed JSON, if anything."""

    def message(self, said: Said, model: str) -> dict[str, Any]: ...

    def events(self, said: Said, body: Mapping[str, Any]) -> Iterator[str]: ...

    def card(self, model: str) -> dict[str, Any]: ...

    def listing(self) -> dict[str, Any]: ...

    def problem(self, problem: Problem, detail: str = "") -> Response: ...

    def error(self, status: int) -> dict[str, Any]:
        """The body of an error that the provider itself has, such as a rate limit."""


class OpenAI:
    """https://platform.openai.com/docs/api-reference/chat and https://developers.openai.com/api/docs/guides/error-codes"""

    name = "openai"
    chat = "/openai/v1/chat/completions"
    models: tuple[str, ...] = ("gpt-6-luna", "gpt-6.1-terra")

    def key(self, request: Request) -> str:
        return request.headers.get("authorization", "").removeprefix("Bearer").strip()

    def question(self, body: Mapping[str, Any]) -> Question:
        system, user = _conversation(body.get("messages"))
        choice = body.get("tool_choice", "auto")
        named = choice.get("function", {}).get("name") if isinstance(choice, dict) else None
        tools = [tool["function"] for tool in body.get("tools") or [] if "function" in tool]
        if (tool := _chosen(tools, named)) and choice != "none":
            return Question(system, user, _fields(tool.get("parameters")), tool["name"])
        described = (body.get("response_format") or {}).get("json_schema") or {}
        return Question(system, user, _fields(described.get("schema")))

    def fault(self, body: Mapping[str, Any]) -> str:
        tools = [tool.get("function", {}) for tool in body.get("tools") or []]
        described = (body.get("response_format") or {}).get("json_schema") or {}
        strict = [(tool["name"], tool.get("parameters")) for tool in tools if tool.get("strict")]
        strict += [(described["name"], described.get("schema"))] if described.get("strict") else []
        loose = [name for name, schema in strict if not _is_strict(schema)]
        if not loose:
            return ""
        return f"Invalid schema for '{loose[0]}': 'additionalProperties' must be false and all properties required."

    def message(self, said: Said, model: str) -> dict[str, Any]:
        refused = said.stop == "refusal"
        message: dict[str, Any] = {
            "role": "assistant",
            "content": None if said.tool or refused else said.text,
            "refusal": said.text if refused else None,
        }
        if said.tool:
            message["tool_calls"] = [_tool_call(said, said.arguments)]
        return _completion(said, model) | {
            "choices": [{"index": 0, "message": message, "finish_reason": said.reason}]
        }

    def events(self, said: Said, body: Mapping[str, Any]) -> Iterator[str]:
        whole = _completion(said, str(body.get("model"))) | {"object": "chat.completion.chunk"}
        usage = whole.pop("usage")
        spoken = "refusal" if said.stop == "refusal" else "content"
        deltas: list[dict[str, Any]] = [{"role": "assistant"}]
        if said.tool:
            deltas.append({"tool_calls": [_tool_call(said, arguments="")]})
        deltas += [{spoken: piece} for piece in _pieces(said.text)]
        for piece in _pieces(said.arguments):
            deltas.append({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
        ends = [None] * len(deltas) + [said.reason]
        choices = [
            {"index": 0, "delta": delta, "finish_reason": end}
            for delta, end in zip([*deltas, {}], ends, strict=True)
        ]
        chunks = [whole | {"choices": [choice]} for choice in choices]
        if (body.get("stream_options") or {}).get("include_usage"):
            chunks.append(whole | {"choices": [], "usage": usage})
        yield from (f"data: {json.dumps(chunk)}\n\n" for chunk in chunks)
        yield "data: [DONE]\n\n"

    def card(self, model: str) -> dict[str, Any]:
        return {"id": model, "object": "model", "created": RELEASED, "owned_by": "system"}

    def listing(self) -> dict[str, Any]:
        return {"object": "list", "data": [self.card(model) for model in self.models]}

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
            # The codes of https://help.openai.com/en/articles/6614457; the type is the one of old.
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


class Mistral(OpenAI):
    """https://docs.mistral.ai/api: chat completions, with its own words for tool choices, refusals and errors."""

    name = "mistral"
    chat = "/mistral/v1/chat/completions"
    models: tuple[str, ...] = ("mistral-large-latest", "mistral-small-latest")

    def fault(self, body: Mapping[str, Any]) -> str:
        return ""

    def message(self, said: Said, model: str) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": said.text, "tool_calls": None}
        if said.tool:
            message["tool_calls"] = [_tool_call(said, said.arguments)]
        return _completion(said, model) | {
            "choices": [{"index": 0, "message": message, "finish_reason": said.reason}]
        }

    def events(self, said: Said, body: Mapping[str, Any]) -> Iterator[str]:
        whole = _completion(said, str(body.get("model"))) | {"object": "chat.completion.chunk"}
        usage = whole.pop("usage")
        delta: dict[str, Any] = {"role": "assistant", "content": said.text}
        if said.tool:
            delta["tool_calls"] = [_tool_call(said, said.arguments)]
        choice = {"index": 0, "delta": delta, "finish_reason": said.reason}
        yield f"data: {json.dumps(whole | {'choices': [choice], 'usage': usage})}\n\n"
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
    """https://docs.anthropic.com/en/api/messages, its streaming and its errors."""

    name = "anthropic"
    chat = "/anthropic/v1/messages"
    models: tuple[str, ...] = ("claude-haiku-5-5", "claude-sonnet-5-5")

    def key(self, request: Request) -> str:
        bearer = request.headers.get("authorization", "").removeprefix("Bearer").strip()
        return request.headers.get("x-api-key", "") or bearer

    def question(self, body: Mapping[str, Any]) -> Question:
        _, user = _conversation(body.get("messages"))
        system = _text(body.get("system"))
        choice = body.get("tool_choice") or {}
        if (tool := _chosen(body.get("tools") or [], choice.get("name"))) and choice.get(
            "type"
        ) != "none":
            return Question(system, user, _fields(tool.get("input_schema")), tool["name"])
        wanted = (body.get("output_config") or {}).get("format") or body.get("output_format") or {}
        return Question(system, user, _fields(wanted.get("schema")))

    def fault(self, body: Mapping[str, Any]) -> str:
        return "" if body.get("max_tokens") else "max_tokens: Field required"

    def message(self, said: Said, model: str) -> dict[str, Any]:
        refused = said.stop == "refusal"
        block: list[dict[str, Any]] = (
            [{"type": "text", "text": said.text}] if said.text and not refused else []
        )
        if said.tool:
            block = [
                {
                    "type": "tool_use",
                    "id": "toolu_sandbox",
                    "name": said.tool,
                    "input": _read(said.arguments),
                }
            ]
        return {
            "id": "msg_sandbox",
            "type": "message",
            "role": "assistant",
            "model": model,
            "content": block,
            "stop_reason": {"stop": "end_turn", "tool": "tool_use", "length": "max_tokens"}.get(
                said.stop, said.stop
            ),
            "stop_sequence": None,
            "stop_details": {"type": "refusal", "category": None, "explanation": said.text}
            if refused
            else None,
            "usage": {"input_tokens": said.input_tokens, "output_tokens": said.output_tokens},
        }

    def events(self, said: Said, body: Mapping[str, Any]) -> Iterator[str]:
        whole = self.message(said, str(body.get("model")))
        ends = {name: whole[name] for name in ("stop_reason", "stop_sequence", "stop_details")}
        started = {"content": [], "usage": whole["usage"] | {"output_tokens": 1}} | dict.fromkeys(
            ends
        )
        events: list[dict[str, Any]] = [{"type": "message_start", "message": whole | started}]
        for block in whole["content"]:
            empty: dict[str, Any] = {"input": {}} if said.tool else {"text": ""}
            events.append(
                {"type": "content_block_start", "index": 0, "content_block": block | empty}
            )
            deltas = [{"type": "text_delta", "text": piece} for piece in _pieces(said.text)]
            deltas += [
                {"type": "input_json_delta", "partial_json": piece}
                for piece in _pieces(said.arguments)
            ]
            events += [
                {"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas
            ]
            events.append({"type": "content_block_stop", "index": 0})
        events.append(
            {"type": "message_delta", "delta": ends, "usage": {"output_tokens": said.output_tokens}}
        )
        events.append({"type": "message_stop"})
        yield from (f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)

    def card(self, model: str) -> dict[str, Any]:
        return {
            "type": "model",
            "id": model,
            "display_name": model.replace("-", " ").title(),
            "created_at": "2026-01-01T00:00:00Z",
            "lifecycle": "active",
        }

    def listing(self) -> dict[str, Any]:
        cards = [self.card(model) for model in self.models]
        return {
            "data": cards,
            "has_more": False,
            "first_id": self.models[0],
            "last_id": self.models[-1],
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
            # Not the documented 402 billing_error: https://github.com/anthropics/anthropic-sdk-typescript/issues/618
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


PROVIDERS: tuple[Provider, ...] = (OpenAI(), Mistral(), Anthropic())


async def arrival(world: World, request: Request) -> Call | None:
    """Note a question to a provider the moment it arrives, whatever comes of it; None for any other request."""
    provider = next(
        (it for it in PROVIDERS if it.chat == request.url.path and request.method == "POST"), None
    )
    if provider is None:
        return None
    body = _read(await request.body())
    question = provider.question(body)
    call = Call(
        provider.name,
        str(body.get("model", "")),
        time.monotonic(),
        tuple(question.fields),
        question.language,
        question.title,
    )
    world.calls.append(call)
    world.asked[f"{provider.name} answer"] += 1
    request.scope["asked"] = (body, question, call)
    return call


def error(path: str, status: int) -> dict[str, Any] | None:
    """The provider's own words for an error status on one of its paths; None on any other."""
    provider = next((it for it in PROVIDERS if path.startswith(f"/{it.name}/")), None)
    return provider.error(status) if provider and status >= 400 else None


def routes(world: World) -> list[Route]:
    """The routes of the three providers."""
    return [route for provider in PROVIDERS for route in _provider_routes(world, provider)]


def _provider_routes(world: World, provider: Provider) -> list[Route]:
    async def chat(request: Request) -> Response:
        body, question, call = request.scope["asked"]
        if problem := _key_problem(provider.key(request)):
            response = provider.problem(problem)
        elif not call.model or not body.get("messages"):
            response = provider.problem("request", "model and messages are required")
        elif call.model.startswith(UNKNOWN):
            response = provider.problem("unknown", call.model)
        elif fault := provider.fault(body):
            response = provider.problem("request", fault)
        else:
            return answered(body, question, call)
        call.outcome = str(response.status_code)
        return response

    def answered(body: Mapping[str, Any], question: Question, call: Call) -> Response:
        reply = world.reply(call)
        call.outcome = reply.kind if reply else "ok"
        if reply and reply.kind == "html":
            return HTMLResponse(reply.content if isinstance(reply.content, str) else PAGE)
        said = say(question, reply)
        if body.get("stream"):
            return Response("".join(provider.events(said, body)), media_type="text/event-stream")
        return JSONResponse(provider.message(said, call.model))

    async def models(request: Request) -> Response:
        world.asked[f"{provider.name} models"] += 1
        problem, model = _key_problem(provider.key(request)), request.path_params.get("model", "")
        if problem and problem != "nocredit":
            return provider.problem(problem)
        if model.startswith(UNKNOWN):
            return provider.problem("unknown", model)
        return JSONResponse(provider.card(model) if model else provider.listing())

    return [
        Route(provider.chat, chat, methods=["POST"]),
        Route(f"/{provider.name}/v1/models", models),
        Route(f"/{provider.name}/v1/models/{{model}}", models),
    ]


def _key_problem(key: str) -> Problem | None:
    if not key:
        return "missing"
    problems: tuple[Problem, ...] = ("wrong", "forbidden", "nocredit")
    return next((problem for problem in problems if key.startswith(f"{problem}-")), None)


def _conversation(messages: Any) -> tuple[str, str]:
    """The text of the system's messages, and that of all others."""
    texts = [(message.get("role"), _text(message.get("content"))) for message in messages or []]
    ours = ("system", "developer")
    system, user = (
        "\n".join(text for role, text in texts if (role in ours) == wanted)
        for wanted in (True, False)
    )
    return system, user


def _text(content: Any) -> str:
    """The text of a message's content: a string, or parts that hold one."""
    if isinstance(content, str):
        return content
    return "\n".join(_text(part.get("text", part.get("content"))) for part in content or [])


def _chosen(tools: list[dict[str, Any]], name: str | None) -> dict[str, Any] | None:
    return next((tool for tool in tools if name in (None, tool["name"])), None)


def _fields(schema: Any) -> dict[str, Any]:
    """The schemas of an object's properties, references filled in."""
    schema = schema or {}
    definitions = schema.get("$defs", {})

    def filled(node: Any) -> Any:
        if isinstance(node, list):
            return [filled(item) for item in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            return filled(definitions.get(node["$ref"].rpartition("/")[2], {}))
        return {name: filled(item) for name, item in node.items()}

    return {name: filled(part) for name, part in schema.get("properties", {}).items()}


def _is_strict(schema: Any) -> bool:
    """Whether every object closes its properties and requires them all, as OpenAI's strict mode wants it."""
    if isinstance(schema, list):
        return all(map(_is_strict, schema))
    if not isinstance(schema, dict):
        return True
    if schema.get("type") == "object":
        properties = schema.get("properties", {})
        if schema.get("additionalProperties") is not False or set(
            schema.get("required", [])
        ) != set(properties):
            return False
    return all(map(_is_strict, schema.values()))


def _completion(said: Said, model: str) -> dict[str, Any]:
    usage = {
        "prompt_tokens": said.input_tokens,
        "completion_tokens": said.output_tokens,
        "total_tokens": said.input_tokens + said.output_tokens,
    }
    return {
        "id": "chatcmpl-sandbox",
        "object": "chat.completion",
        "created": RELEASED,
        "model": model,
        "usage": usage,
    }


def _tool_call(said: Said, arguments: str) -> dict[str, Any]:
    # Nine letters or digits: Mistral takes back no other id.
    return {
        "index": 0,
        "id": "sandbox00",
        "type": "function",
        "function": {"name": said.tool, "arguments": arguments},
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


def _read(text: str | bytes) -> dict[str, Any]:
    """The object of a JSON text, as far as it goes; an empty one for anything else."""
    try:
        given = from_json(text, allow_partial="trailing-strings")
    except ValueError:
        return {}
    return given if isinstance(given, dict) else {}


def _pieces(text: str) -> list[str]:
    return [
        text[start : start + PIECE_CHARACTERS] for start in range(0, len(text), PIECE_CHARACTERS)
    ]


def _tokens(text: str) -> int:
    return (len(text) + 3) // 4
