"""Dagster's SQLite databases with connections that stay open; `dagster.yaml` names the class.

Dagster's own storages make an engine and a connection for every event, and wait for the disk after
each: 10 ms, for the 100 events of a day with nothing to do. After a power cut, these may lack the
last events of a run. The data of the pipeline does not depend on them: a damaged one is set aside.
"""

import logging
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import sqlalchemy
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME
from dagster._core.storage.runs import SqliteRunStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from upath import UPath

from papers_pipeline.base.errors import OperatorError
from papers_pipeline.base.full_disk import full_database
from papers_pipeline.store.files import write

OPEN_RUNS = 8
"""Databases of runs that stay open: each run has one of its own."""
LOST_WITH = {
    "history/runs.db": "the list of past runs",
    "history/runs/index.db": "when each asset was last built, as the UI shows it",
    "schedules/schedules.db": "which schedules and sensors were switched on or off by hand",
}
"""The databases that every process opens, below the Dagster home, and what only they know."""

logger = logging.getLogger(__name__)


class DamagedDatabase(OperatorError):
    """A database of Dagster cannot be read. The message names the file and the way out."""


class FullDisk(OperatorError):
    """A database of Dagster cannot grow. The message names the file."""


def set_aside_damaged(home: Path) -> list[Path]:
    """Rename the databases that SQLite cannot open, so that Dagster makes new ones.

    Returns the new names. Damage further inside a file is found when Dagster reads that part: see
    DamagedDatabase. No other process may open the databases meanwhile.
    """
    set_aside = []
    for name, lost in LOST_WITH.items():
        path = home / name
        if not path.exists() or _can_be_opened(path):
            continue
        target = path.with_suffix(".damaged")
        path.replace(target)
        for part in ("-wal", "-shm"):  # of the damaged file
            path.with_name(path.name + part).unlink(missing_ok=True)
        logger.warning(
            "%s was damaged: it is now %s, and a new one is made. Lost: %s", path, target.name, lost
        )
        set_aside.append(target)
    return set_aside


def _can_be_opened(path: Path) -> bool:
    try:
        with closing(sqlite3.connect(path)) as database:
            database.execute("SELECT * FROM alembic_version").fetchall()
            database.execute("PRAGMA table_info(alembic_version)").fetchall()
    except sqlite3.OperationalError:  # it is new, or another process holds it
        return True
    except sqlite3.DatabaseError:
        return False
    return True


class Databases(DagsterSqliteStorage):
    """The databases of a Dagster home, in the files of Dagster's own class."""

    def __init__(self, base_dir: str, inst_data: Any = None) -> None:
        super().__init__(base_dir, inst_data)
        self._run_storage = RunDatabase(self._run_storage._conn_string)
        self._event_log_storage = EventDatabases(self._event_log_storage._base_dir)

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> "Databases":
        return cls.from_local(inst_data=inst_data, **config_value)


class RunDatabase(SqliteRunStorage):
    """The runs and their tags."""

    @cached_property
    def _engine(self) -> sqlalchemy.Engine:
        return _open(self._conn_string)

    @contextmanager
    def connect(self) -> Iterator[sqlalchemy.Connection]:
        with self._engine.begin() as connection:
            yield connection

    def dispose(self) -> None:
        self._engine.dispose()
        super().dispose()


class EventDatabases(SqliteEventLogStorage):
    """The events: a database per run, and an index of those about assets."""

    def __init__(self, base_dir: str, inst_data: Any = None) -> None:
        self._open: OrderedDict[str, sqlalchemy.Engine] = OrderedDict()
        self._opening = threading.Lock()
        super().__init__(base_dir, inst_data)

    def run_connection(self, run_id: str | None = None) -> Any:
        if run_id is None:
            return super().run_connection(run_id)
        return self._engine(run_id, super().run_connection(run_id)).begin()

    def index_connection(self) -> AbstractContextManager[sqlalchemy.Connection]:
        return self._engine(INDEX_SHARD_NAME, super().index_connection()).begin()

    def delete_events(self, run_id: str) -> None:
        super().delete_events(run_id)
        self._close(run_id)

    def wipe(self) -> None:
        for name in list(self._open):
            self._close(name)
        super().wipe()

    def dispose(self) -> None:
        for name in list(self._open):
            self._close(name)
        super().dispose()

    def _engine(self, name: str, creation: AbstractContextManager[Any]) -> sqlalchemy.Engine:
        """The engine of a database; `creation` makes its tables if there are none."""
        with self._opening:
            if name not in self._open:
                _create(Path(self.path_for_shard(name)), creation)
                self._open[name] = _open(self.conn_string_for_shard(name))
            self._open.move_to_end(name)
            if len(self._open) > OPEN_RUNS + 1:
                _, oldest = self._open.popitem(last=False)
                oldest.dispose()
            return self._open[name]

    def _close(self, name: str) -> None:
        engine = self._open.pop(name, None)
        if engine:
            engine.dispose()


_empty_runs: list[bytes] = []
"""The database of a run without events, once this process has made one."""


def _create(path: Path, creation: AbstractContextManager[Any]) -> None:
    """Make the tables by `creation`, or by a copy of the first run's database of this process.

    Alembic takes 50 ms and many waits for the disk to make the same empty tables.
    """
    is_new_run = not path.exists() and path.stem != INDEX_SHARD_NAME
    if is_new_run and _empty_runs:
        write(UPath(path), _empty_runs[0])
        return
    with creation:
        pass
    if is_new_run:
        _empty_runs.append(path.read_bytes())


def _open(address: str) -> sqlalchemy.Engine:
    """An engine that keeps its connections: a thread that needs a second one gets it."""
    engine = sqlalchemy.create_engine(
        address, connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False}
    )
    sqlalchemy.event.listen(engine, "connect", _do_not_wait_for_the_disk)
    sqlalchemy.event.listen(engine, "handle_error", _name_file)
    return engine


def _name_file(context: sqlalchemy.engine.ExceptionContext) -> OperatorError | None:
    """The error to raise in place of SQLite's, or None to leave that."""
    error = context.original_exception
    if context.engine is None:
        return None
    path = context.engine.url.database
    full = full_database(error)
    if full is not None:
        return FullDisk(f"{path}: {full}: make room and build again; what is built stays")
    # The errors of a sound file, such as a locked one, have classes of their own.
    if type(error) is not sqlite3.DatabaseError:
        return None
    return DamagedDatabase(
        f"{path} is damaged ({error}): stop Dagster, rename the file and "
        "start again. A new one is made. The history of runs is lost, no paper and no text"
    )


def _do_not_wait_for_the_disk(connection: Any, _: object) -> None:
    connection.execute("PRAGMA synchronous = NORMAL")
