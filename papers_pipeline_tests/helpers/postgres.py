"""A Postgres server of the tests' own, on loopback."""

import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
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

    def stop(self) -> None:
        """Stop it, as a restart does: all sessions break."""
        self._run("pg_ctl", "-D", str(self._data), "-m", "fast", "-w", "stop")

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
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
