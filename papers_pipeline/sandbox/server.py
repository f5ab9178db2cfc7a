"""Serves a sandbox on 127.0.0.1, in the foreground or in a thread."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from papers_pipeline.sandbox.app import make_app
from papers_pipeline.sandbox.world import World


def serve(world: World, port: int) -> None:
    """Serve a world until the process is interrupted."""
    uvicorn.run(make_app(world), host="127.0.0.1", port=port, log_level="warning")


@contextmanager
def running(world: World, port: int = 0) -> Iterator[str]:
    """Serve a world in a thread and yield its URL. Port 0 picks a free port."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(128)  # A request that comes before the server is up now waits for it.
    server = uvicorn.Server(uvicorn.Config(make_app(world), log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        server.force_exit = True  # nobody waits for a slow answer any more
        thread.join(timeout=10)
        listener.close()
