"""The batch APIs of OpenAI and Anthropic, as their official SDKs call them.

A batch is answered when it is created; its answers are shown when it has ended. OpenAI's requests
are those of the Responses API.
"""

import json
import time
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from email import message_from_bytes
from email.message import Message
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from papers_pipeline.sandbox.answers import Question
from papers_pipeline.sandbox.providers import (
    RELEASED,
    UNKNOWN,
    Anthropic,
    Completion,
    OfficialOpenAI,
    complete,
    conversation,
    is_strict,
    key_problem,
    schema_fields,
)
from papers_pipeline.sandbox.world import Call, PlacedBatch, Reply, World

OPENAI, ANTHROPIC = OfficialOpenAI("openai"), Anthropic("anthropic")
PAGE = 20
"""The batches that a list shows at once, unless it is asked for another number."""


class Responses:
    """Questions and answers of OpenAI's Responses API.

    https://platform.openai.com/docs/api-reference/responses
    """

    name = "openai"

    def question(self, body: Mapping[str, Any]) -> Question:
        given = body.get("input")
        messages = [{"role": "user", "content": given}] if isinstance(given, str) else given
        system, user = conversation(messages)
        instructions = str(body.get("instructions") or "")
        described = _format(body)
        return Question(
            "\n".join(part for part in (instructions, system) if part),
            user,
            schema_fields(described.get("schema")),
        )

    def fault(self, body: Mapping[str, Any]) -> str:
        if not body.get("model") or not body.get("input"):
            return "model and input are required"
        described = _format(body)
        if described.get("strict") and not is_strict(described.get("schema")):
            return "Invalid schema: 'additionalProperties' must be false and all be required."
        return ""

    def message(self, completion: Completion, model: str) -> dict[str, Any]:
        content: dict[str, Any] = {
            "type": "output_text",
            "text": completion.text,
            "annotations": [],
        }
        if completion.stop == "refusal":
            content = {"type": "refusal", "refusal": completion.text}
        is_cut = completion.stop == "length"
        message = {
            "type": "message",
            "id": "msg_sandbox",
            "role": "assistant",
            "status": "incomplete" if is_cut else "completed",
            "content": [content],
        }
        return {
            "id": "resp_sandbox",
            "object": "response",
            "created_at": RELEASED,
            "model": model,
            "status": "incomplete" if is_cut else "completed",
            "incomplete_details": {"reason": "max_output_tokens"} if is_cut else None,
            "error": None,
            "output": [message],
            "usage": {
                "input_tokens": completion.input_tokens,
                "input_tokens_details": {"cached_tokens": 0},
                "output_tokens": completion.output_tokens,
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": completion.input_tokens + completion.output_tokens,
            },
        }


RESPONSES = Responses()


def routes(world: World) -> list[Route]:
    """The routes of both batch APIs."""
    return [*OpenAIBatches(world).routes(), *AnthropicBatches(world).routes()]


class OpenAIBatches:
    """OpenAI's routes for files and batches.

    https://platform.openai.com/docs/api-reference/batch
    """

    def __init__(self, world: World) -> None:
        self.world = world

    def routes(self) -> list[Route]:
        base = f"/{OPENAI.name}/v1"
        return [
            Route(f"{base}/files", self.upload, methods=["POST"]),
            Route(f"{base}/files/{{file}}/content", self.content),
            Route(f"{base}/batches", self.create, methods=["POST"]),
            Route(f"{base}/batches", self.listing),
            Route(f"{base}/batches/{{batch}}", self.one),
            Route(f"{base}/batches/{{batch}}/cancel", self.one, methods=["POST"]),
        ]

    async def upload(self, request: Request) -> Response:
        """Keeps a file with the requests of a batch."""
        problem = key_problem(OPENAI.key(request))
        if problem:
            return OPENAI.problem(problem)
        purpose, content = _form(request)
        if purpose != "batch" or not content:
            return OPENAI.problem("request", "purpose and file are required")
        file_id = f"file-{len(self.world.uploads) + 1}"
        self.world.uploads[file_id] = content
        self.world.asked["openai upload"] += 1
        return JSONResponse(_file(file_id, content))

    async def content(self, request: Request) -> Response:
        """The bytes of a file: one that was uploaded, or one with a batch's answers."""
        found = self.world.uploads.get(request.path_params["file"])
        if found is None:
            return OPENAI.problem("unknown", request.path_params["file"])
        return Response(found)

    async def create(self, request: Request) -> Response:
        """Places a batch with the requests of an uploaded file."""
        problem = key_problem(OPENAI.key(request))
        if problem:
            return OPENAI.problem(problem)
        given = json.loads(request.scope["body"])
        lines = self.world.uploads.get(given.get("input_file_id"))
        if lines is None or given.get("endpoint") != "/v1/responses":
            return OPENAI.problem("request", "No such file, or another endpoint than its requests")
        requests = _by_custom_id(map(json.loads, lines.splitlines()), "body")
        batch = _place(self.world, RESPONSES, requests)
        batch.file = given["input_file_id"]
        return JSONResponse(self._shown(batch))

    async def listing(self, request: Request) -> Response:
        """One page of the list of batches."""
        batches, has_more = _page(self.world, OPENAI.name, request, "after")
        return JSONResponse(
            {
                "object": "list",
                "data": [self._shown(batch) for batch in batches],
                "first_id": batches[0].id if batches else None,
                "last_id": batches[-1].id if batches else None,
                "has_more": has_more,
            }
        )

    async def one(self, request: Request) -> Response:
        """Shows a batch. A POST cancels it first."""
        batch = _batch(self.world, OPENAI.name, request)
        if batch is None:
            return OPENAI.problem("unknown", request.path_params["batch"])
        if request.method == "POST":
            batch.is_canceled = True
        return JSONResponse(self._shown(batch))

    def _shown(self, batch: PlacedBatch) -> dict[str, Any]:
        """A batch as OpenAI shows it. Once it has ended, it names its files or its error."""
        status = self._status(batch)
        body: dict[str, Any] = {
            "id": batch.id,
            "object": "batch",
            "endpoint": "/v1/responses",
            "input_file_id": batch.file,
            "completion_window": "24h",
            "created_at": int(batch.created_at.timestamp()),
            "status": status,
            "request_counts": {"total": len(batch.requests), "completed": 0, "failed": 0},
        }
        if status == "in_progress":
            return body
        if status == "failed":
            error = {"code": "token_limit_exceeded", "message": "Enqueued token limit reached"}
            return body | {"errors": {"object": "list", "data": [error]}}
        return body | self._written_files(batch)

    def _status(self, batch: PlacedBatch) -> str:
        """How a batch stands, in OpenAI's words."""
        kinds = batch.kinds.values()
        if not _has_ended(self.world, batch):
            return "in_progress"
        if "invalid" in kinds:
            return "failed"
        if batch.is_canceled:
            return "cancelled"
        return "expired" if "expired" in kinds else "completed"

    def _written_files(self, batch: PlacedBatch) -> dict[str, str]:
        """Writes the files of a batch's answers and errors, unless empty, and returns their ids."""
        output, errors = _output_files(batch)
        file_ids = {}
        for name, lines in (("output_file_id", output), ("error_file_id", errors)):
            if lines:
                file_ids[name] = f"{batch.id}-{name}"
                self.world.uploads[file_ids[name]] = "\n".join(map(json.dumps, lines)).encode()
        return file_ids


def _output_files(batch: PlacedBatch) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The lines of the files with a batch's answers and with its errors."""
    output, errors = [], []
    for custom_id in batch.requests:
        kind = batch.kinds[custom_id]
        line: dict[str, Any] = {"id": f"req-{custom_id}", "custom_id": custom_id, "error": None}
        if kind == "expired" or batch.is_canceled:
            code = "batch_cancelled" if batch.is_canceled else "batch_expired"
            error = {"code": code, "message": "This request was not executed."}
            errors.append(line | {"response": None, "error": error})
        elif kind == "errored":
            body = {"error": {"message": "It failed.", "type": "server_error", "code": None}}
            errors.append(line | {"response": {"status_code": 500, "body": body}})
        else:
            answer = batch.answers[custom_id]
            output.append(line | {"response": {"status_code": 200, "body": answer}})
    return output, errors


class AnthropicBatches:
    """Anthropic's routes for batches of messages.

    https://docs.anthropic.com/en/api/creating-message-batches
    """

    base = f"{ANTHROPIC.chat}/batches"

    def __init__(self, world: World) -> None:
        self.world = world

    def routes(self) -> list[Route]:
        return [
            Route(self.base, self.create, methods=["POST"]),
            Route(self.base, self.listing),
            Route(f"{self.base}/{{batch}}", self.one),
            Route(f"{self.base}/{{batch}}/results", self.results),
            Route(f"{self.base}/{{batch}}/cancel", self.one, methods=["POST"]),
        ]

    async def create(self, request: Request) -> Response:
        """Places a batch with the requests of the body."""
        problem = key_problem(ANTHROPIC.key(request))
        if problem:
            return ANTHROPIC.problem(problem)
        given = json.loads(request.scope["body"]).get("requests", [])
        requests = _by_custom_id(given, "params")
        if not requests or len(requests) != len(given):
            return ANTHROPIC.problem("request", "requests: custom_ids must be unique")
        return JSONResponse(self._shown(request, _place(self.world, ANTHROPIC, requests)))

    async def listing(self, request: Request) -> Response:
        """One page of the list of batches."""
        batches, has_more = _page(self.world, ANTHROPIC.name, request, "after_id")
        return JSONResponse(
            {
                "data": [self._shown(request, batch) for batch in batches],
                "has_more": has_more,
                "first_id": batches[0].id if batches else None,
                "last_id": batches[-1].id if batches else None,
            }
        )

    async def one(self, request: Request) -> Response:
        """Shows a batch. A POST cancels it first."""
        batch = _batch(self.world, ANTHROPIC.name, request)
        if batch is None:
            return ANTHROPIC.problem("unknown", request.path_params["batch"])
        if request.method == "POST":
            batch.is_canceled = True
        return JSONResponse(self._shown(request, batch))

    async def results(self, request: Request) -> Response:
        """The results of a batch that has ended, one a line."""
        batch = _batch(self.world, ANTHROPIC.name, request)
        if batch is None or not _has_ended(self.world, batch):
            return ANTHROPIC.problem("unknown", request.path_params["batch"])
        # Not in the order of the requests: the real API promises none.
        lines = [_result(batch, custom_id) for custom_id in reversed(list(batch.requests))]
        return Response("\n".join(map(json.dumps, lines)), media_type="application/binary")

    def _shown(self, request: Request, batch: PlacedBatch) -> dict[str, Any]:
        """A batch as Anthropic shows it. Once it has ended, it names the address of its results."""
        has_ended = _has_ended(self.world, batch)
        ended_at = batch.created_at + timedelta(seconds=self.world.batch_seconds)
        results_url = f"{request.base_url}{self.base[1:]}/{batch.id}/results"
        return {
            "id": batch.id,
            "type": "message_batch",
            "processing_status": "ended" if has_ended else "in_progress",
            "request_counts": _counts(batch, has_ended),
            "created_at": batch.created_at.isoformat(),
            "expires_at": (batch.created_at + timedelta(days=1)).isoformat(),
            "ended_at": ended_at.isoformat() if has_ended else None,
            "archived_at": None,
            "cancel_initiated_at": None,
            "results_url": results_url if has_ended else None,
        }


def _counts(batch: PlacedBatch, has_ended: bool) -> dict[str, int]:
    """How many requests ended in each way. Until the batch ends, all are processing."""
    counts = dict.fromkeys(("processing", "succeeded", "errored", "canceled", "expired"), 0)
    for custom_id in batch.requests:
        counts[_ending(batch, custom_id) if has_ended else "processing"] += 1
    return counts


def _result(batch: PlacedBatch, custom_id: str) -> dict[str, Any]:
    """The line of Anthropic's results about a request."""
    ending = _ending(batch, custom_id)
    result: dict[str, Any] = {"type": ending}
    if ending == "succeeded":
        result["message"] = batch.answers[custom_id]
    if ending == "errored":
        result["error"] = ANTHROPIC.error(500)
    return {"custom_id": custom_id, "result": result}


def _ending(batch: PlacedBatch, custom_id: str) -> str:
    """How a request ended, in Anthropic's words."""
    if batch.is_canceled:
        return "canceled"
    kind = batch.kinds[custom_id]
    return {"expired": "expired", "errored": "errored", "invalid": "errored"}.get(kind, "succeeded")


def _by_custom_id(given: Iterable[Mapping[str, Any]], field: str) -> dict[str, dict[str, Any]]:
    """The bodies of requests, which are in this field, by the requests' custom ids."""
    requests = {}
    for each in given:
        requests[each["custom_id"]] = each[field]
    return requests


def _place(
    world: World, protocol: Responses | Anthropic, requests: dict[str, dict[str, Any]]
) -> PlacedBatch:
    """A new batch, with the answers that it will give."""
    world.asked[f"{protocol.name} batch"] += 1
    number = world.asked[f"{protocol.name} batch"]
    batch = PlacedBatch(f"batch-{number}", protocol.name, world.time(), requests)
    for custom_id, body in requests.items():
        question = protocol.question(body)
        model = str(body.get("model"))
        call = Call(
            protocol.name,
            model,
            time.monotonic(),
            question.fields,
            question.language,
            question.title,
        )
        reply = world.reply(call, in_batch=True)
        is_faulty = protocol.fault(body) or model.startswith(UNKNOWN)
        batch.kinds[custom_id] = "errored" if is_faulty else _kind(reply)
        batch.answers[custom_id] = protocol.message(complete(question, reply), model)
    world.batches.append(batch)
    return batch


def _kind(reply: Reply | None) -> str:
    return reply.kind if reply else "ok"


def _has_ended(world: World, batch: PlacedBatch) -> bool:
    ends_at: datetime = batch.created_at + timedelta(seconds=world.batch_seconds)
    return batch.is_canceled or world.time() >= ends_at


def _batch(world: World, provider: str, request: Request) -> PlacedBatch | None:
    for batch in world.batches:
        if batch.provider == provider and batch.id == request.path_params["batch"]:
            return batch
    return None


def _page(
    world: World, provider: str, request: Request, after_name: str
) -> tuple[list[PlacedBatch], bool]:
    """The batches of one page of the list, newest first, and whether there are more."""
    newest_first = [batch for batch in reversed(world.batches) if batch.provider == provider]
    after = request.query_params.get(after_name)
    if after:
        ids = [batch.id for batch in newest_first]
        newest_first = newest_first[ids.index(after) + 1 :]
    limit = int(request.query_params.get("limit", PAGE))
    return newest_first[:limit], len(newest_first) > limit


def _form(request: Request) -> tuple[str, bytes]:
    """The fields `purpose` and `file` of a multipart form."""
    kind = request.headers.get("content-type", "")
    form = message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + request.scope["body"])
    purpose, file = "", b""
    for part in _parts(form):
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(content, bytes) and name == "purpose":
            purpose = content.decode()
        elif isinstance(content, bytes) and name == "file":
            file = content
    return purpose, file


def _parts(form: Message) -> Iterable[Message]:
    return [part for part in form.walk() if not part.is_multipart()]


def _format(body: Mapping[str, Any]) -> dict[str, Any]:
    """Name, schema and strictness of the requested text format; empty without one."""
    wanted = (body.get("text") or {}).get("format") or {}
    return wanted if wanted.get("type") == "json_schema" else {}


def _file(file_id: str, content: bytes) -> dict[str, Any]:
    return {
        "id": file_id,
        "object": "file",
        "bytes": len(content),
        "created_at": RELEASED,
        "filename": "papers.jsonl",
        "purpose": "batch",
        "status": "processed",
    }
