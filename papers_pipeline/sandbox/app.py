"""The outside world on loopback as an ASGI app; nothing inside the pipeline knows of it, only endpoints differ."""

import asyncio
from datetime import date, datetime

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from papers_pipeline.sandbox.world import Fault, World

DEFAULT_LIMIT, MOST = 50, 100


def make_app(world: World) -> ASGIApp:
    """The app of a world. `/_sandbox/…` sets its clock, latency and faults, and tells what it was asked."""

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
        return JSONResponse({"now": world.time().isoformat(), "asked": dict(sorted(world.asked.items()))})

    routes = [
        Route("/api/daily_papers", daily_papers),
        Route("/_sandbox/state", state, methods=["GET", "POST"]),
    ]
    return _Weather(Starlette(routes=routes), world)


class _Weather:
    """Latency and faults, before any route."""

    def __init__(self, app: ASGIApp, world: World) -> None:
        self._app = app
        self._world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/_sandbox/"):
            return await self._app(scope, receive, send)
        request = f"{scope['path']}?{scope['query_string'].decode()}"
        fault = self._world.fault(request)
        await asyncio.sleep(self._world.latency_seconds + (fault.seconds if fault else 0))
        if fault is None or (fault.status == 200 and not fault.body):
            return await self._app(scope, receive, send)
        return await Response(fault.body, fault.status, fault.headers)(scope, receive, send)
