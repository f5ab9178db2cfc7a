"""The outside world as an ASGI app. For the pipeline, only the endpoints' addresses differ."""

import asyncio
import time
from dataclasses import asdict
from datetime import date, datetime

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from papers_pipeline.sandbox import batches, documents, providers, telegram
from papers_pipeline.sandbox.world import Call, Fault, Reply, World

LIST_PATH = "/api/daily_papers"
DEFAULT_LIMIT, MAX_LIMIT = 50, 100
LONGEST_CROWD_SECONDS = 30


def make_app(world: World) -> ASGIApp:
    """The app that serves a world.

    `GET /_sandbox/state` returns the world's clock, faults and replies, and what was requested and
    posted; `POST` also sets its clock, latency, rate limits and the time that batches take, and
    adds faults and replies.
    """

    async def daily_papers(request: Request) -> Response:
        query = request.query_params
        try:
            day = date.fromisoformat(query.get("date") or world.time().date().isoformat())
            limit = int(query.get("limit", DEFAULT_LIMIT))
            page = int(query.get("p", 0))
        except ValueError as error:
            return JSONResponse({"error": f"Invalid query: {error}"}, 400)
        if day > world.time().date() or not 1 <= limit <= MAX_LIMIT or page < 0:
            return JSONResponse({"error": "Invalid date, limit or page"}, 400)
        world.asked[f"list {day}"] += 1
        start = page * limit
        return JSONResponse(world.listing(day)[start : start + limit])

    async def state(request: Request) -> Response:
        if request.method == "POST":
            given = await request.json()
            if "now" in given:
                world.now = datetime.fromisoformat(given["now"]) if given["now"] else None
            world.latency_seconds = given.get("latency_seconds", world.latency_seconds)
            world.rates |= given.get("rates", {})
            world.batch_seconds = given.get("batch_seconds", world.batch_seconds)
            world.faults += [Fault(**fault) for fault in given.get("faults", [])]
            world.replies += [Reply(**reply) for reply in given.get("replies", [])]
        return JSONResponse(
            {
                "now": world.time().isoformat(),
                "asked": dict(sorted(world.asked.items())),
                "faults": [asdict(fault) for fault in world.faults],
                "replies": [asdict(reply) for reply in world.replies],
                "calls": [asdict(call) for call in world.calls],
                "batches": [asdict(batch) for batch in world.batches],
                "posts": [asdict(post) for post in world.posts],
            }
        )

    routes = [
        Route(LIST_PATH, daily_papers),
        Route("/_sandbox/state", state, methods=["GET", "POST"]),
        *providers.routes(world),
        *batches.routes(world),
        *documents.routes(world),
        *telegram.routes(world),
    ]
    return _Weather(Starlette(routes=routes), world)


class _Weather:
    """Applies latency and faults before any route is reached."""

    def __init__(self, app: ASGIApp, world: World) -> None:
        self._app = app
        self._world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/_sandbox/"):
            return await self._app(scope, receive, send)
        call = await providers.arrival(self._world, Request(scope, receive))
        fault = self._world.fault(f"{scope['path']}?{scope['query_string'].decode()}")
        delay = fault.seconds if fault else 0
        await asyncio.sleep(self._latency_seconds(scope["path"], call) + delay)
        if call:
            await self._crowd()
        if fault and fault.cut_after is not None:
            send = _cut_off(send, fault.cut_after)
        if fault and fault.drip_seconds:
            send = _dripping(send, fault.drip_seconds)
        if fault is None or (fault.status == 200 and not fault.body):
            return await self._app(scope, receive, send)
        if call:
            call.outcome = str(fault.status)
        response = Response(fault.body, fault.status, fault.headers)
        if not fault.body:
            error = providers.error(scope["path"], fault.status)
            if error:
                response = JSONResponse(error, fault.status, fault.headers)
        return await response(scope, receive, send)

    async def _crowd(self) -> None:
        """Wait until enough calls were under way at once, but not for ever."""
        given_up_at = time.monotonic() + LONGEST_CROWD_SECONDS
        while self._world.most_under_way < self._world.crowd and time.monotonic() < given_up_at:
            await asyncio.sleep(0.005)

    def _latency_seconds(self, path: str, call: Call | None) -> float:
        latency = self._world.latency
        seconds = self._world.latency_seconds
        if call:
            return seconds + latency.model_seconds
        if path == LIST_PATH:
            return seconds + latency.list_seconds
        if path.startswith(documents.PATHS):
            return seconds + latency.arxiv_seconds
        return seconds


def _cut_off(send: Send, size: int) -> Send:
    """Send only the first `size` bytes of a body and never its end; the server then disconnects."""
    remaining = size

    async def send_part(message: Message) -> None:
        nonlocal remaining
        if message["type"] == "http.response.body":
            body = message.get("body", b"")[:remaining]
            remaining -= len(body)
            message = {**message, "body": body, "more_body": True}
        await send(message)

    return send_part


def _dripping(send: Send, seconds: float) -> Send:
    """Send a body byte by byte, each so many seconds after the one before."""

    async def send_slowly(message: Message) -> None:
        if message["type"] != "http.response.body":
            return await send(message)
        for byte in message.get("body", b""):
            await send({**message, "body": bytes([byte]), "more_body": True})
            await asyncio.sleep(seconds)
        return await send({**message, "body": b""})

    return send_slowly
