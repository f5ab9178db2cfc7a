"""A Redis server of the tests' own, on loopback."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from papers_pipeline_tests.helpers.programs import found


class Redis:
    """A server that keeps its queue on disk, so that it can be restarted."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir()
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        path = found("redis-server")
        assert path
        command = [path, "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        command += ["--appendonly", "yes", "--dir", str(self._folder)]
        with (self._folder / "log").open("ab") as log:
            self._server = subprocess.Popen(command, stdout=log, stderr=log)
        while not self._answers():
            assert self._server.poll() is None, (self._folder / "log").read_text()
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop it, as a restart does: all connections break."""
        self._server.terminate()
        self._server.wait(timeout=30)

    def forget(self) -> None:
        """Lose all that is in it."""
        assert self._said("FLUSHALL") == "+OK"

    def _answers(self) -> bool:
        try:
            return self._said("PING") == "+PONG"
        except OSError:
            return False

    def _said(self, command: str) -> str:
        """The first line of its answer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.sendall(f"{command}\r\n".encode())
            return connection.recv(64).decode().strip()


@contextmanager
def running_redis(folder: Path) -> Iterator[Redis]:
    """A server that runs until the end."""
    server = Redis(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()
