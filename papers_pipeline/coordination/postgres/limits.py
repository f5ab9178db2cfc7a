"""A limit as rows of Postgres: each request is a place in a line, with the time when it may go.

Whoever may not go yet keeps the place, so that processes go in the order in which they asked. The
time is computed anew whenever the place is asked about, from what was sent and from the places
before it. So a pause moves the whole line.
"""

from dataclasses import astuple, replace
from typing import Literal

import psycopg

from papers_pipeline.coordination.postgres.database import Database, key_of
from papers_pipeline.store.limits import Limit, Rate, Refusal, Ticket, Wait

NONE = 2**62
"""Higher than any limit, and than the number of any request."""
WAY_SECONDS = 0.01
"""How long whoever stands before us has to wake up and go. A dead process holds us up no longer."""
BEGIN = """
SELECT pg_advisory_xact_lock(%(lock)s), set_config('synchronous_commit', 'off', true)
"""
"""What a power cut of the server takes away is a minute's memory of requests."""
STATE = """
WITH moment AS MATERIALIZED (SELECT extract(epoch FROM clock_timestamp())::float8 AS now),
old AS (
    DELETE FROM papers.requests USING moment
    WHERE family = %(family)s AND name = %(name)s AND at <= now - %(seconds)s
),
ahead AS (
    UPDATE papers.requests SET at = now FROM moment
    WHERE family = %(family)s AND sent AND at > now
)
SELECT now, at, until, in_a_row, share
FROM moment
LEFT JOIN papers.refusals ON family = %(family)s AND name = %(name)s
"""
"""The server's time and the last refusal. Forgets requests before the window. If the clock was set
back, those dated in the future count as sent now."""
BEFORE = """
WITH everyone AS NOT MATERIALIZED (
    SELECT number, name, at, tokens FROM papers.requests
    WHERE family = %(family)s AND at > %(now)s - %(seconds)s::float8
    AND (sent OR number < %(number)s)
), own AS NOT MATERIALIZED (SELECT * FROM everyone WHERE name = %(name)s)
SELECT
    (SELECT at FROM own WHERE %(most)s < %(none)s ORDER BY at DESC OFFSET %(most)s - 1 LIMIT 1),
    (SELECT at FROM own WHERE %(burst)s < %(none)s ORDER BY at DESC OFFSET %(burst)s - 1 LIMIT 1),
    (SELECT max(at) FROM (
        SELECT at, sum(tokens) OVER (ORDER BY at DESC, number DESC) AS used
        FROM own WHERE %(room)s < %(none)s
    ) AS newest WHERE used > %(room)s),
    (SELECT at FROM everyone WHERE %(all)s < %(none)s ORDER BY at DESC OFFSET %(all)s - 1 LIMIT 1),
    (SELECT max(at) FROM papers.requests
        WHERE family = %(family)s AND NOT sent AND number < %(number)s)
"""
"""The requests that have to leave the window first: of each bound, the last one. And the last one
that stands before this place in the line."""
PUT = """
INSERT INTO papers.requests (family, name, at, tokens, sent)
VALUES (%(family)s, %(name)s, %(at)s, %(tokens)s, %(sent)s) RETURNING number
"""
MOVE = """
UPDATE papers.requests SET at = %(at)s, tokens = %(tokens)s, sent = %(sent)s
WHERE number = %(number)s RETURNING number
"""
SETTLE = """
WITH answered AS (UPDATE papers.requests SET tokens = %(tokens)s WHERE number = %(number)s)
UPDATE papers.refusals SET in_a_row = 0
WHERE family = %(family)s AND name = %(name)s AND at < %(at)s
"""
REFUSE = """
INSERT INTO papers.refusals (family, name, at, until, in_a_row, share)
VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (family, name) DO UPDATE SET at = excluded.at, until = excluded.until,
in_a_row = excluded.in_a_row, share = excluded.share
"""


class PostgresLimit(Limit):
    """A limit over all processes with the same database. Times are those of the server's clock.

    One request at a time may wait in each object, as `Limit.acquire` and `Turns` see to.
    """

    def __init__(
        self,
        database: Database,
        name: str,
        rate: Rate,
        seconds: float,
        *,
        family: str,
        requests_of_all: int | None,
    ) -> None:
        super().__init__(name, rate, seconds)
        self._database = database
        self._family = family or name
        self._requests_of_all = requests_of_all
        self._place: int | None = None

    def try_acquire(self, tokens: int = 0) -> Ticket | Wait:
        def ask(connection: psycopg.Connection) -> Ticket | Wait:
            with connection.transaction():
                now, refusal = self._begin(connection)
                pause = refusal.pause_seconds(now)
                wait = self._bound(connection, now, refusal, tokens)
                seconds = max(pause, wait.seconds)
                number = self._put(connection, now + seconds, tokens, sent=seconds <= 0)
            if seconds <= 0:
                self._place = None
                return Ticket(number, now)
            self._place = number
            return Wait(pause, "pause") if pause else wait

        return self._database.run(ask)

    def settle(self, ticket: Ticket, tokens: int) -> None:
        about = self._about(number=ticket.number, at=ticket.at, tokens=tokens)
        self._database.run(lambda connection: connection.execute(SETTLE, about))

    def refuse(self, ticket: Ticket, pause_seconds: float | None, backoff_seconds: float) -> float:
        def change(connection: psycopg.Connection) -> float:
            with connection.transaction():
                now, last = self._begin(connection)
                connection.execute(
                    "DELETE FROM papers.requests WHERE number = %s", (ticket.number,)
                )
                refusal = last.next(ticket.at, now, self._seconds, pause_seconds, backoff_seconds)
                self._set_refusal(connection, refusal)
            return refusal.until - now

        return self._database.run(change)

    def pause(self, seconds: float) -> None:
        def change(connection: psycopg.Connection) -> None:
            with connection.transaction():
                now, last = self._begin(connection)
                self._set_refusal(connection, last.paused(now, seconds))

        self._database.run(change)

    def _begin(self, connection: psycopg.Connection) -> tuple[float, Refusal]:
        """Keep all others of the family waiting; the server's time and the last refusal."""
        connection.execute(BEGIN, {"lock": key_of(f"limit {self._family}")})
        row = connection.execute(STATE, self._about()).fetchone()
        assert row is not None
        now, at, *rest = row
        return now, Refusal() if at is None else Refusal(min(at, now), *rest)

    def _bound(
        self, connection: psycopg.Connection, now: float, refusal: Refusal, tokens: int
    ) -> Wait:
        """The longest wait that the limits ask for; of 0 s or less if there is none."""
        share = refusal.share_at(now, self._seconds)
        most = NONE
        if self._rate.requests:
            most = max(1, int(self._rate.requests * share))
        # Many providers spread the requests of a minute, and turn down a burst.
        burst = (self._rate.burst if share == 1 else 1) if self._rate.requests else None
        most_tokens = self._rate.tokens or NONE
        about = self._about(
            now=now,
            number=NONE if self._place is None else self._place,
            none=NONE,
            most=most,
            burst=burst or NONE,
            room=most_tokens - min(tokens, most_tokens) if self._rate.tokens else NONE,
            all=self._requests_of_all or NONE,
        )
        row = connection.execute(BEFORE, about).fetchone()
        assert row is not None
        pace_seconds = self._seconds * (burst or 0) / most
        bounds: tuple[tuple[float | None, float, Literal["requests", "tokens"], int], ...] = (
            (row[0], self._seconds, "requests", most),
            (row[1], pace_seconds, "requests", most),
            (row[2], self._seconds, "tokens", most_tokens),
            (row[3], self._seconds, "requests", self._requests_of_all or 0),
        )
        longest = Wait(0.0, "requests", self._rate.requests or self._requests_of_all or 0)
        for at, seconds, reason, number in bounds:
            if at is not None and at + seconds - now > longest.seconds:
                longest = Wait(at + seconds - now, reason, number)
        if row[4] is not None:
            seconds = max(longest.seconds, row[4] + WAY_SECONDS - now)
            longest = replace(longest, seconds=seconds)
        return longest

    def _put(self, connection: psycopg.Connection, at: float, tokens: int, *, sent: bool) -> int:
        """Write down when the request may go; its number, which is its place in the line."""
        about = self._about(at=at, tokens=tokens, sent=sent, number=self._place)
        row = None
        if self._place is not None:
            row = connection.execute(MOVE, about).fetchone()
        if row is None:
            row = connection.execute(PUT, about).fetchone()
        assert row is not None
        return int(row[0])

    def _set_refusal(self, connection: psycopg.Connection, refusal: Refusal) -> None:
        connection.execute(REFUSE, (self._family, self._name, *astuple(refusal)))

    def _about(self, **more: object) -> dict[str, object]:
        return {"family": self._family, "name": self._name, "seconds": self._seconds, **more}
