"""The outside world on loopback, as an ASGI app.

The pipeline does not know about it: only the endpoints in its settings differ.
"""

import asyncio
from dataclasses import asdict
from datetime import date, datetime

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from papers_pipeline.sandbox import documents, providers
from papers_pipeline.sandbox.world import Fault, Reply, World

DEFAULT_LIMIT, MOST = 50, 100


def make_app(world: World) -> ASGIApp:
    """The app that serves a world.

    `/_sandbox/state` sets clock, latency, faults and replies, and lists the requests so far.
    """

    async def daily_papers(request: Request) -> Response:
        query = request.query_params
        try:
            day = date.fromisoformat(query.get("date") or world.time().date().isoformat())
            limit, page = int(query.get("limit", DEFAULT_LIMIT)), int(query.get("p", 0))
        except ValueError as error:
            return JSONResponse({"error": f"Invalid query: {error}"}, 400)
        if day > world.time().date() or not 1 <= limit <= MOST or page < 0:
            return JSONResponse({"error": "Invalid date, limit or page"}, 400)
        world.asked[f"list {day}"] += 1
        return JSONResponse(world.listing(day)[page * limit : (page + 1) * limit])

    async def state(request: Request) -> Response:
        if request.method == "POST":
            given = await request.json()
            if "now" in given:
                world.now = datetime.fromisoformat(given["now"]) if given["now"] else None
            world.latency_seconds = given.get("latency_seconds", world.latency_seconds)
            world.faults += [Fault(**fault) for fault in given.get("faults", [])]
            world.replies += [Reply(**reply) for reply in given.get("replies", [])]
        return JSONResponse(
            {
                "now": world.time().isoformat(),
                "asked": dict(sorted(world.asked.items())),
                "faults": [asdict(fault) for fault in world.faults],
                "replies": [asdict(reply) for reply in world.replies],
                "calls": [asdict(call) for call in world.calls],
            }
        )

    routes = [
        Route("/api/daily_papers", daily_papers),
        Route("/_sandbox/state", state, methods=["GET", "POST"]),
        *providers.routes(world),
        *documents.routes(world),
    ]
    return _Weather(Starlette(routes=routes), world)


class _Weather:
    """Applies latency and faults before any route."""

    def __init__(self, app: ASGIApp, world: World) -> None:
        self._app = app
        self._world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/_sandbox/"):
            return await self._app(scope, receive, send)
        call = await providers.arrival(self._world, Request(scope, receive))
        fault = self._world.fault(f"{scope['path']}?{scope['query_string'].decode()}")
        await asyncio.sleep(self._world.latency_seconds + (fault.seconds if fault else 0))
        if fault and fault.cut_after is not None:
            send = _cut(send, fault.cut_after)
        if fault is None or (fault.status == 200 and not fault.body):
            return await self._app(scope, receive, send)
        if call:
            call.outcome = str(fault.status)
        response = Response(fault.body, fault.status, fault.headers)
        error = providers.error(scope["path"], fault.status)
        if error and not fault.body:
            response = JSONResponse(error, fault.status, fault.headers)
        return await response(scope, receive, send)


def _cut(send: Send, left: int) -> Send:
    """A ``send`` that passes on ``left`` bytes of a body and no end: the connection is closed."""

    async def cut(message: Message) -> None:
        nonlocal left
        if message["type"] == "http.response.body":
            body = message.get("body", b"")[:left]
            left -= len(body)
            message = {**message, "body": body, "more_body": True}
        await send(message)

    return cut
