"""The tables in Postgres, made by the numbered files in `migrations/`."""

from dataclasses import dataclass
from importlib.resources import files

import psycopg

from papers_pipeline.base.errors import OperatorError

LOCK = 0x70617065_7273_0001
"""Number of the advisory lock under which tables are made."""


class WrongTables(OperatorError):
    """The database lacks tables, or has those of a newer release. The message says what to do."""


@dataclass(frozen=True)
class Migration:
    """One file: its number, its name and its statements."""

    number: int
    name: str
    statements: str


def migrations() -> list[Migration]:
    """The migrations of this release, in order."""
    found = []
    for file in (files(__package__) / "migrations").iterdir():
        number, _, _ = file.name.partition("_")
        found.append(Migration(int(number), file.name, file.read_text(encoding="utf-8")))
    return sorted(found, key=lambda migration: migration.number)


def set_up(connection: psycopg.Connection) -> list[str]:
    """Make the tables that the database lacks; returns the names of the files that were run.

    It may run in several processes at once. Raises WrongTables if the database is too new.
    """
    made = []
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        connection.execute("CREATE SCHEMA IF NOT EXISTS papers")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS papers.migrations (number integer PRIMARY KEY, "
            "name text NOT NULL, run_at timestamptz NOT NULL DEFAULT now())"
        )
        last = _last(connection)
        _refuse_newer(last)
        for migration in migrations():
            if migration.number > last:
                connection.execute(migration.statements.encode())
                connection.execute(
                    "INSERT INTO papers.migrations (number, name) VALUES (%s, %s)",
                    (migration.number, migration.name),
                )
                made.append(migration.name)
    return made


def require_tables(connection: psycopg.Connection) -> None:
    """Raise WrongTables unless the database has exactly the tables of this release."""
    row = connection.execute("SELECT to_regclass('papers.migrations') IS NOT NULL").fetchone()
    last = _last(connection) if row and row[0] else 0
    _refuse_newer(last)
    if last < migrations()[-1].number:
        raise WrongTables(
            "the database of PAPERS_COORDINATION_URL lacks tables of this release: "
            "run `papers setup-coordination`"
        )


def _last(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT coalesce(max(number), 0) FROM papers.migrations").fetchone()
    return int(row[0]) if row else 0


def _refuse_newer(last: int) -> None:
    if last > migrations()[-1].number:
        raise WrongTables(
            "the database of PAPERS_COORDINATION_URL has tables of a newer release: "
            "install that release on this machine too"
        )
