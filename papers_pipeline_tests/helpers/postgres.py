"""A Postgres server of the tests' own, on loopback."""

import os
import shutil
import socket
import subprocess
import tempfile
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from papers_pipeline_tests.helpers.programs import found


class Server:
    """A server that can be stopped and started. Its databases are empty unless set up."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._data = folder / "data"
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        if os.getuid() == 0:  # the server refuses to run as root
            shutil.chown(folder, "postgres")
        self._run("initdb", "-D", str(self._data), "-A", "trust", "-U", "papers", "--no-sync")

    def start(self) -> None:
        """Start it, and wait until it answers."""
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": "off",
            "max_connections": 50,
        }
        given = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
        log = str(self._folder / "log")
        self._run("pg_ctl", "-D", str(self._data), "-l", log, "-w", "-o", given, "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop it, as a restart does: all sessions break. `immediate` is a crash."""
        self._run("pg_ctl", "-D", str(self._data), "-m", mode, "-w", "stop")

    def new_database(self) -> str:
        """The URL of a new empty database."""
        name = f"papers_{uuid.uuid4().hex}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.url(name)

    def url(self, name: str) -> str:
        return f"postgresql://papers@127.0.0.1:{self.port}/{name}"

    def _run(self, program: str, *arguments: str) -> None:
        user = "postgres" if os.getuid() == 0 else None
        path = found(program)
        assert path, program
        # Its own output goes to a file: a server that inherits a pipe keeps the pipe open.
        with (self._folder / "output").open("ab") as output:
            subprocess.run(
                [path, *arguments],
                user=user,
                cwd=self._folder,
                stdout=output,
                stderr=output,
                check=True,
            )


@contextmanager
def running_server() -> Iterator[Server]:
    """A server that runs until the end."""
    # Not below pytest's folder, which another user cannot enter.
    folder = Path(tempfile.mkdtemp(prefix="papers-postgres-"))
    try:
        server = Server(folder)
        server.start()
        try:
            yield server
        finally:
            server.stop("immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def pooler(server: Server) -> Iterator[int]:
    """The port of what looks like a pooler: it announces another process than the server's."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = threading.Thread(target=_serve, args=(listening, server.port), daemon=True)
        serving.start()
        yield listening.getsockname()[1]


def _serve(listening: socket.socket, port: int) -> None:
    client, _ = listening.accept()
    with client, socket.create_connection(("127.0.0.1", port)) as server:
        sending = threading.Thread(target=_copy, args=(client, server), daemon=True)
        sending.start()
        _copy(server, client)


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Copy what comes. The process of a BackendKeyData message becomes number 7.

    https://www.postgresql.org/docs/current/protocol-message-formats.html
    """
    begin = b"K" + (12).to_bytes(4)
    with suppress(OSError):
        for data in iter(lambda: source.recv(65536), b""):
            head, found_begin, rest = data.partition(begin)
            changed = (7).to_bytes(4) + rest[4:] if found_begin else b""
            target.sendall(head + found_begin + changed)
