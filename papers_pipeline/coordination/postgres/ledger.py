"""The ledger as a table: a row a call, with the fields of a line of the ledger's files."""

import threading
import uuid
from collections.abc import Iterator
from datetime import date

import psycopg
from psycopg.rows import dict_row
from psycopg.sql import SQL, Identifier, Placeholder

from papers_pipeline.coordination.postgres.database import Database, key_of
from papers_pipeline.store.ledger import ROUNDING_USD, Ledger, Room, Spending

ADD_SECONDS = 5.0
"""How long a line waits for a server that restarts. Whoever settles a call holds up all others."""
Row = dict[str, object]
FIELDS = tuple(Spending.model_fields)
INSERT = SQL(
    "INSERT INTO papers.ledger (id, {columns}) VALUES ({id}, {values}) "
    "ON CONFLICT (id) DO UPDATE SET ({columns}) = ROW ({new})"
).format(
    columns=SQL(", ").join(map(Identifier, FIELDS)),
    id=Placeholder("id"),
    values=SQL(", ").join(map(Placeholder, FIELDS)),
    new=SQL(", ").join(SQL("excluded.{}").format(Identifier(name)) for name in FIELDS),
)
SPENT = SQL(
    "SELECT {columns} FROM papers.ledger WHERE sent_on = %s AND state <> 'refused' ORDER BY number"
).format(columns=SQL(", ").join(map(Identifier, FIELDS)))
TOTALS = """
SELECT coalesce(sum(usd), 0), coalesce(sum(usd) FILTER (WHERE state <> 'unsettled'
OR entered_at < clock_timestamp() - make_interval(secs => %(patience)s)), 0)
FROM papers.ledger WHERE sent_on = %(day)s AND id <> %(id)s
"""
"""What a day's calls cost at most, and what of it no end of a call can lower any more."""


class PostgresLedger(Ledger):
    """The calls of all processes with the same database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._late: dict[str, Row] = {}
        self._adding = threading.Lock()

    def add(self, *spendings: Spending) -> None:
        """Append lines. If the server is away, they are kept, and added with the next ones.

        Raises Unreachable all the same: they would be lost with this process.
        """
        with self._adding:
            rows = [_row(spending) for spending in spendings]
            self._late |= {str(row["id"]): row for row in rows}
            late = list(self._late.values())

            def insert(connection: psycopg.Connection) -> None:
                with connection.transaction(), connection.cursor() as cursor:
                    cursor.executemany(INSERT, late)

            if late:
                self._database.run(insert, ADD_SECONDS)
            self._late.clear()

    def reserve(
        self, call: Spending, budget_usd: float | None = None, patience_seconds: float = 0.0
    ) -> Room:
        row = _row(call)
        day = call.at.date()
        about = {"day": day, "id": row["id"], "patience": patience_seconds}

        def insert_if_room(connection: psycopg.Connection) -> Room:
            with connection.transaction():
                if budget_usd is not None:
                    left = budget_usd - (call.usd or 0.0) + ROUNDING_USD
                    # Check and line are one step for all processes.
                    lock = key_of(f"budget {day}")
                    connection.execute("SELECT pg_advisory_xact_lock(%s)", (lock,))
                    most, certain = _first(connection.execute(TOTALS, about))
                    if most > left:
                        return "wait" if certain <= left else "none"
                connection.execute(INSERT, row)
            return "reserved"

        return self._database.run(insert_if_room)

    def total_usd(self, day: date) -> float:
        about = {"day": day, "id": "", "patience": 0.0}
        return float(self._database.run(lambda use: _first(use.execute(TOTALS, about)))[0])

    def days(self) -> list[date]:
        question = "SELECT DISTINCT sent_on FROM papers.ledger ORDER BY sent_on"
        return [day for (day,) in self._database.run(lambda use: use.execute(question).fetchall())]

    def spent(self, day: date) -> Iterator[Spending]:
        def rows(connection: psycopg.Connection) -> list[dict[str, object]]:
            with connection.cursor(row_factory=dict_row) as cursor:
                return cursor.execute(SPENT, (day,)).fetchall()

        for row in self._database.run(rows):
            yield Spending.model_validate(row)

    def keys_of_batch(self, batch: str, since: date) -> set[str]:
        question = "SELECT key FROM papers.ledger WHERE batch = %s AND sent_on >= %s"
        rows = self._database.run(lambda use: use.execute(question, (batch, since)).fetchall())
        return {key for (key,) in rows if key}


def _row(spending: Spending) -> Row:
    """The columns of a line. Both lines of a call have the same id, and so has an insert that is
    repeated."""
    row_id = spending.call or uuid.uuid4().hex
    if spending.batch and spending.key:
        row_id = f"{spending.batch}/{spending.key}"
    return {"id": row_id, **spending.model_dump()}


def _first(cursor: psycopg.Cursor[tuple[float, float]]) -> tuple[float, float]:
    row = cursor.fetchone()
    assert row is not None
    return row
