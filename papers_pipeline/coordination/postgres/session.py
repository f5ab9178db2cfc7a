"""What this process holds on the server: advisory locks of one session, by their names.

If the session breaks, the server frees them. A new session takes them again at once; that another
process had one meanwhile is seen by its row in `papers.locks`, which every taker writes.
"""

import logging
import threading
import time
import uuid
from collections.abc import Sequence
from functools import partial

import psycopg

from papers_pipeline.coordination.postgres.database import Database, Unreachable, key_of

BEAT_SECONDS = 2.0
"""How often the session is tried while anything is held."""
GRACE_SECONDS = 15.0
"""For so long after the server has started, only its last holder may take a lock. All sessions
broke, and those who held something may not have noticed yet."""
GHOST_SECONDS = 2.0
"""How long to wait for the end of our own broken session, which the server may still keep."""
GONE_SECONDS = 120.0
"""A process that nobody heard of for so long has ended. Before, only its session may be broken."""
TAKE = """
WITH open AS MATERIALIZED (
    SELECT WHERE NOT EXISTS (
        SELECT FROM papers.locks
        WHERE name = %(name)s AND holder <> %(holder)s
        AND clock_timestamp() < pg_postmaster_start_time() + make_interval(secs => %(grace)s)
    )
), taken AS MATERIALIZED (SELECT pg_try_advisory_lock(%(key)s) AS is_ours FROM open)
INSERT INTO papers.locks (name, holder) SELECT %(name)s, %(holder)s FROM taken WHERE is_ours
ON CONFLICT (name) DO UPDATE SET
holder = excluded.holder, taken_at = clock_timestamp(), seen_at = clock_timestamp()
RETURNING name
"""
BEAT = "UPDATE papers.locks SET seen_at = clock_timestamp() WHERE holder = %s"
FORGET = "DELETE FROM papers.locks WHERE seen_at < clock_timestamp() - interval '7 days'"
IS_GONE = """
SELECT clock_timestamp() > pg_postmaster_start_time() + make_interval(secs => %(seconds)s)
AND NOT EXISTS (
    SELECT FROM papers.locks
    WHERE name = %(name)s AND seen_at > clock_timestamp() - make_interval(secs => %(seconds)s)
)
AND NOT EXISTS (
    SELECT FROM pg_locks
    WHERE locktype = 'advisory' AND granted AND objsubid = 1
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND classid::bigint = (%(key)s::bigint >> 32) & 4294967295
    AND objid::bigint = %(key)s::bigint & 4294967295
)
"""
"""https://www.postgresql.org/docs/current/view-pg-locks.html: how a lock of 64 bits is shown."""
FREE = """
WITH forgotten AS MATERIALIZED (
    DELETE FROM papers.locks WHERE name = %(name)s AND holder = %(holder)s RETURNING name
)
SELECT pg_advisory_unlock(%(key)s), (SELECT count(*) FROM forgotten)
"""
TAKE_SLOT = """
SELECT key FROM unnest(%(keys)s::bigint[]) AS key WHERE pg_try_advisory_lock(key) LIMIT 1
"""

logger = logging.getLogger(__name__)


class Session:
    """The locks and slots that this process holds.

    To the server, all callers of a process are one. So whoever asks for what the process holds
    already is turned away here.
    """

    def __init__(self, url: str) -> None:
        self._holder = uuid.uuid4().hex
        self._application = f"papers locks {self._holder}"
        self._database = Database(url, self._application, self._on_open)
        # These change only while the database is ours, one thread at a time.
        self._locks: set[str] = set()
        self._slots: dict[int, str] = {}
        self._lost: set[str] = set()
        self._tried_at = 0.0
        self._beating = threading.Event()
        self._starting = threading.Lock()
        self._heart: threading.Thread | None = None

    def take(self, name: str) -> bool:
        """Take a lock; False if another holds it, in this process or elsewhere."""
        if name in self._locks:
            return False
        self._keep_alive()
        return self._database.run(partial(self._take, name))

    def free(self, name: str) -> None:
        """Free a lock that was taken."""
        try:
            self._database.run(partial(self._free, name))
        except Unreachable:
            logger.warning("%s is free because its session is lost", name)
            self._locks.discard(name)
            self._lost.discard(name)

    def take_slot(self, names: Sequence[str]) -> str | None:
        """Take one of these slots; None if all are held."""
        self._keep_alive()
        return self._database.run(partial(self._take_slot, names))

    def free_slot(self, name: str) -> None:
        """Free a slot that was taken."""
        try:
            self._database.run(partial(self._free_slot, name))
        except Unreachable:
            self._slots.pop(key_of(name), None)

    def lost(self, within_seconds: float) -> list[str]:
        """The locks that are held here and may be another's.

        The server is asked unless it has answered within so many seconds. Raises Unreachable.
        """
        if self._locks and time.monotonic() - self._tried_at >= within_seconds:
            self._database.run(self._try)
        return sorted(self._lost)

    def name(self) -> str:
        """The name of this session, under which it lives until its process ends."""
        name = f"process {self._holder}"
        self.take(name)  # False if it is ours already
        return name

    def is_gone(self, name: str) -> bool:
        """Whether no session of this name was heard of for two minutes."""
        about = {"name": name, "key": key_of(name), "seconds": GONE_SECONDS}

        def ask(connection: psycopg.Connection) -> bool:
            row = connection.execute(IS_GONE, about).fetchone()
            return bool(row and row[0])

        return self._database.run(ask)

    def close(self) -> None:
        """End the session, and with it all that is held."""
        self._beating.set()
        self._database.close()

    def _take(self, name: str, connection: psycopg.Connection) -> bool:
        if name in self._locks:
            return False
        is_ours = connection.execute(TAKE, self._about(name)).fetchone() is not None
        if is_ours:
            self._locks.add(name)
        return is_ours

    def _free(self, name: str, connection: psycopg.Connection) -> None:
        if name not in self._lost:
            connection.execute(FREE, self._about(name))
        self._locks.discard(name)
        self._lost.discard(name)

    def _take_slot(self, names: Sequence[str], connection: psycopg.Connection) -> str | None:
        free = {key_of(name): name for name in names}
        for key in self._slots:
            free.pop(key, None)
        row = connection.execute(TAKE_SLOT, {"keys": list(free)}).fetchone()
        if row is None:
            return None
        self._slots[row[0]] = free[row[0]]
        return free[row[0]]

    def _free_slot(self, name: str, connection: psycopg.Connection) -> None:
        connection.execute("SELECT pg_advisory_unlock(%s)", (key_of(name),))
        self._slots.pop(key_of(name), None)

    def _about(self, name: str) -> dict[str, object]:
        return {
            "name": name,
            "key": key_of(name),
            "holder": self._holder,
            "grace": GRACE_SECONDS,
        }

    def _try(self, connection: psycopg.Connection) -> None:
        connection.execute(BEAT, (self._holder,))
        self._tried_at = time.monotonic()

    def _on_open(self, connection: psycopg.Connection) -> None:
        """Take again what the broken session held."""
        # What a power cut of the server takes away is who took a lock in the last second.
        connection.execute("SET synchronous_commit = off")
        connection.execute(FORGET)
        deadline = time.monotonic()
        if self._end_ghosts(connection):
            deadline += GHOST_SECONDS
        for name in self._locks - self._lost:
            if not self._retake(name, connection, deadline):
                logger.error("the lock of %s was lost with the connection to Postgres", name)
                self._lost.add(name)
        for key in self._slots:
            connection.execute("SELECT pg_try_advisory_lock(%s)", (key,))

    def _end_ghosts(self, connection: psycopg.Connection) -> bool:
        """End our sessions that the server has not missed yet; whether there were any."""
        ended = connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = %s AND pid <> pg_backend_pid()",
            (self._application,),
        )
        return bool(ended.fetchall())

    def _retake(self, name: str, connection: psycopg.Connection, deadline: float) -> bool:
        """Take a lock again; False if another has it, or had it since we took it."""
        about = self._about(name)
        while True:
            row = connection.execute("SELECT pg_try_advisory_lock(%(key)s)", about).fetchone()
            if row and row[0]:
                break
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.05)
        row = connection.execute(
            "SELECT holder FROM papers.locks WHERE name = %(name)s", about
        ).fetchone()
        if row and row[0] == self._holder:
            return True
        connection.execute("SELECT pg_advisory_unlock(%(key)s)", about)
        return False

    def _keep_alive(self) -> None:
        with self._starting:
            if self._heart is None:
                self._heart = threading.Thread(target=self._beat, name="locks", daemon=True)
                self._heart.start()

    def _beat(self) -> None:
        """Notice a broken session soon, so that its locks are taken again before others come."""
        while not self._beating.wait(BEAT_SECONDS):
            if not self._locks and not self._slots:
                continue
            try:
                self._database.run(self._try, patience_seconds=0)
            except Unreachable:
                continue
            except Exception:
                logger.exception("the session with Postgres cannot be tried")
