"""A connection to Postgres that is opened when it is needed, and again after it broke."""

import hashlib
import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict

from papers_pipeline.base.deadline import deadline, shut_down
from papers_pipeline.base.errors import OperatorError
from papers_pipeline.coordination.postgres.migrations import require_tables

Result = TypeVar("Result")

PATIENCE_SECONDS = 60.0
"""How long a server that restarts is waited for."""
RETRY_SECONDS = 0.5
ANSWER_SECONDS = 60.0
"""How long a server that stands still may take for one answer. Nothing that is asked waits for a
lock that is held longer than for a statement."""
IDLE, INTERVAL, COUNT = 20, 5, 3
"""Both sides ask a silent peer after 20 s, three times, 5 s apart: so a machine that vanished holds
nothing after 35 s, and a machine that lost its server knows it as soon."""
GIVEN_UP_MS = (IDLE + INTERVAL * COUNT) * 1000
SERVER_SETTINGS = (
    f"SET tcp_keepalives_idle = {IDLE}",
    f"SET tcp_keepalives_interval = {INTERVAL}",
    f"SET tcp_keepalives_count = {COUNT}",
    f"SET tcp_user_timeout = {GIVEN_UP_MS}",
    # A process that is stopped within a transaction must not stop all others.
    "SET idle_in_transaction_session_timeout = '30s'",
)

logger = logging.getLogger(__name__)


class Unreachable(OperatorError, ConnectionError):
    """The server did not answer for a minute. The message says which, and why."""


class Unusable(OperatorError):
    """The address leads to no server that can hold locks."""


class Damaged(OperatorError):
    """The server finds its own data damaged."""


class Database:
    """One connection, for one thread at a time."""

    def __init__(
        self,
        url: str,
        application: str,
        on_open: Callable[[psycopg.Connection], None] = lambda connection: None,
    ) -> None:
        """`application` names the connection on the server. `on_open` gets each new one first."""
        self._url = url
        self._application = application
        self._on_open = on_open
        self._connection: psycopg.Connection | None = None
        self._one_thread = threading.Lock()

    def run(
        self,
        work: Callable[[psycopg.Connection], Result],
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> Result:
        """The result of `work`, which is repeated on a new connection if this one breaks.

        It may therefore be done twice. Raises Unreachable after so many seconds without a server,
        Unusable, WrongTables and Damaged.
        """
        deadline = time.monotonic() + patience_seconds
        is_told = False
        while True:
            with self._one_thread:
                try:
                    connection = self._opened()
                    with _answering(connection):
                        return work(connection)
                except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                    self._drop()
                    if time.monotonic() >= deadline:
                        raise unreachable(self._url, error) from None
                    reason = _line(error)
                except psycopg.InternalError as error:
                    raise Damaged(
                        f"{describe(self._url)} is damaged: {_line(error)}. Restore the server "
                        "from its own backup"
                    ) from None
            if not is_told:
                logger.warning("waiting for %s: %s", describe(self._url), reason)
                is_told = True
            time.sleep(RETRY_SECONDS)

    def close(self) -> None:
        """Close the connection. The next use opens another."""
        with self._one_thread:
            self._drop()

    def _opened(self) -> psycopg.Connection:
        if self._connection is None or self._connection.closed:
            connection = connect(self._url, self._application)
            try:
                with _answering(connection):
                    require_tables(connection)
                    self._on_open(connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def connect(url: str, application: str) -> psycopg.Connection:
    """A new connection in autocommit mode. Raises Unusable, and what psycopg raises."""
    try:
        connection = psycopg.connect(
            url,
            autocommit=True,
            application_name=application,
            connect_timeout=10,
            keepalives=1,
            keepalives_idle=IDLE,
            keepalives_interval=INTERVAL,
            keepalives_count=COUNT,
            tcp_user_timeout=GIVEN_UP_MS,
        )
    except psycopg.ProgrammingError as error:
        raise Unusable(f"PAPERS_COORDINATION_URL cannot be read: {_line(error)}") from None
    try:
        with _answering(connection):
            _refuse_pooler(connection)
            for setting in SERVER_SETTINGS:
                connection.execute(setting.encode())
    except BaseException:
        connection.close()
        raise
    return connection


def _answering(connection: psycopg.Connection) -> AbstractContextManager[None]:
    """Break the connection if what is asked within takes longer than ANSWER_SECONDS.

    Keepalives tell a host that is gone, and not a server that stands still.
    """
    return deadline(ANSWER_SECONDS, partial(_break, connection))


def _break(connection: psycopg.Connection) -> None:
    """Whoever waits for an answer gets an OperationalError, as if the server had hung up."""
    if not connection.closed:
        with socket.socket(fileno=os.dup(connection.fileno())) as ours:
            shut_down(ours)


def _refuse_pooler(connection: psycopg.Connection) -> None:
    """Raise Unusable if a pooler answers in place of the server.

    A pooler invents the number of the process that it announces
    (https://www.pgbouncer.org/config.html, `pool_mode`): its sessions are shared, and so would be
    our locks.
    """
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    if row and row[0] != connection.info.backend_pid:
        raise Unusable(
            "PAPERS_COORDINATION_URL leads to a connection pooler, such as PgBouncer. Locks belong "
            "to a session of the server: name the server itself"
        )


def unreachable(url: str, error: Exception) -> Unreachable:
    """The error that says which server does not answer, and why."""
    return Unreachable(f"{describe(url)} does not answer: {_line(error)}")


def describe(url: str) -> str:
    """The database without its password: `Postgres at host/name`."""
    parts = conninfo_to_dict(url)
    return f"Postgres at {parts.get('host', 'localhost')}/{parts.get('dbname', '')}"


def key_of(name: str) -> int:
    """The number of the advisory lock of a name, a signed one of 64 bits."""
    digest = hashlib.sha256(f"papers_pipeline {name}".encode()).digest()
    return int.from_bytes(digest[:8], signed=True)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
