"""What Postgres adds: several machines, restarts, lost connections, and tables with a version."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import psycopg
import pytest

from papers_pipeline.coordination.interface import Coordination, LockLost
from papers_pipeline.coordination.postgres import database, ledger, session
from papers_pipeline.coordination.postgres.coordination import PostgresCoordination
from papers_pipeline.coordination.postgres.database import Damaged, Unreachable, Unusable
from papers_pipeline.coordination.postgres.migrations import WrongTables
from papers_pipeline.settings import load_settings
from papers_pipeline.store.ledger import Spending
from papers_pipeline.store.limits import Rate, Ticket, Wait
from papers_pipeline.wiring import coordination_of
from papers_pipeline_tests.helpers.outside import Outside
from papers_pipeline_tests.helpers.postgres import Server, pooler, running_server
from papers_pipeline_tests.helpers.terminal import one_line, papers

pytestmark = pytest.mark.programs("initdb")
DAY = "2026-03-02"
END_SESSIONS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name LIKE 'papers locks %' AND datname = current_database()
"""


class Machines:
    """Processes of several machines, with one database."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._opened: list[PostgresCoordination] = []

    def one(self) -> PostgresCoordination:
        opened = PostgresCoordination(self.url)
        self._opened.append(opened)
        return opened

    def run(self, statement: str) -> list[tuple[object, ...]]:
        """What the server answers to a statement of the test."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def close(self) -> None:
        for opened in self._opened:
            opened.close()


@pytest.fixture
def machines(server: Server) -> Iterator[Machines]:
    made = Machines(server.new_database())
    made.one().set_up()
    yield made
    made.close()


def test_tables_are_made_once_also_by_several_machines_at_once(server: Server):
    machines = Machines(server.new_database())
    made: list[str] = []
    threads = [
        threading.Thread(target=lambda: made.extend(machines.one().set_up())) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == ["0001_coordination.sql"]
    assert machines.one().set_up() == []
    machines.close()


@pytest.mark.fault(
    party="Postgres",
    fault="404",
    kept="the day as it was",
    retried="by each build",
    told="run `papers setup-coordination`",
)
@pytest.mark.fault(
    party="Postgres",
    fault="changed or withdrawn",
    kept="the day as it was",
    retried="by each build",
    told="newer release: install that release",
)
def test_a_database_without_tables_or_with_newer_ones_is_refused_with_the_way_out(server: Server):
    machines = Machines(server.new_database())
    with pytest.raises(WrongTables, match="run `papers setup-coordination`"):
        machines.one().ledger.days()
    machines.one().set_up()
    machines.run("INSERT INTO papers.migrations (number, name) VALUES (9999, 'of later')")
    for use in (machines.one().set_up, machines.one().examine):
        with pytest.raises(WrongTables, match="newer release: install that release"):
            use()
    machines.close()


def test_the_command_makes_the_tables_and_doctor_says_where_they_are(
    server: Server, outside: Outside, monkeypatch: pytest.MonkeyPatch
):
    assert "files of this machine" in papers("doctor").stdout
    assert papers("setup-coordination").exit_code == 2
    url = server.new_database().replace("papers@", "papers:secret@")
    monkeypatch.setenv("PAPERS_COORDINATION_URL", url)
    before = papers("doctor")
    assert before.exit_code == 1
    assert "run `papers setup-coordination`" in one_line(before.stdout)
    made = papers("setup-coordination")
    assert (made.exit_code, made.stdout.splitlines()[0]) == (0, "ran 0001_coordination.sql")
    assert len(papers("setup-coordination").stdout.splitlines()) == 1
    after = papers("doctor")
    assert "answers (release" in after.stdout
    assert papers("costs").exit_code == 0
    for result in (before, made, after):
        assert "secret" not in result.output


@pytest.mark.fault(
    party="Postgres",
    fault="unreachable",
    kept="the day as it was",
    retried="for a minute, then by each build",
    told="does not answer",
)
def test_a_server_that_is_not_there_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch, outside: Outside
):
    url = "postgresql://papers:secret@127.0.0.1:1/papers"
    with pytest.raises(Unreachable, match=r"Postgres at 127\.0\.0\.1/papers does not answer"):
        PostgresCoordination(url).examine()
    monkeypatch.setenv("PAPERS_COORDINATION_URL", url)
    result = papers("doctor")
    assert result.exit_code == 1
    assert "does not answer" in one_line(result.stdout)
    assert "secret" not in result.output


@pytest.mark.fault(
    party="Postgres",
    fault="401 or 403",
    kept="the day as it was",
    retried="for a minute, then by each build",
    told="does not answer: connection failed",
)
def test_a_user_that_the_server_does_not_know_is_named(server: Server):
    url = server.new_database().replace("papers@", "stranger@")
    with pytest.raises(Unreachable, match="does not answer: connection failed") as refused:
        PostgresCoordination(url).examine()
    assert 'role "stranger" does not exist' in str(refused.value)


@pytest.mark.fault(
    party="Postgres",
    fault="malformed",
    kept="the day as it was",
    retried="by each build",
    told="postgresql://",
)
@pytest.mark.parametrize("url", ["mysql://papers:secret@host/papers", "papers:secret@host"])
def test_an_address_of_something_else_is_refused(monkeypatch: pytest.MonkeyPatch, url: str):
    monkeypatch.setenv("PAPERS_COORDINATION_URL", url)
    result = papers("costs")
    assert result.exit_code != 0
    assert "PAPERS_COORDINATION_URL" in result.output
    assert "postgresql://" in result.output
    assert "secret" not in result.output


def test_a_pooler_is_refused(server: Server):
    database = server.new_database().rpartition("/")[2]
    with pooler(server) as port:
        coordination = PostgresCoordination(f"postgresql://papers@127.0.0.1:{port}/{database}")
        with pytest.raises(Unusable, match="leads to a connection pooler, such as PgBouncer"):
            coordination.examine()


def test_machines_go_in_the_order_in_which_they_asked(machines: Machines):
    limits = [machines.one().limit("openai", Rate(1), 0.3) for _ in range(3)]
    first = limits[0].try_acquire()
    assert isinstance(first, Ticket)
    waits = [limit.try_acquire() for limit in limits]
    assert all(isinstance(wait, Wait) for wait in waits)
    assert [wait.seconds for wait in waits] == sorted(wait.seconds for wait in waits)
    # The last one looks first and the first one last: they go in their order all the same.
    order: list[int] = []
    while len(order) < 3:
        for number in (2, 1, 0):
            if number not in order and isinstance(limits[number].try_acquire(), Ticket):
                order.append(number)
        time.sleep(0.005)
    assert order == [0, 1, 2]


def test_a_place_in_the_line_of_a_dead_process_holds_nobody_up(machines: Machines):
    ours, dead = (machines.one().limit("openai", Rate(2), 0.3) for _ in range(2))
    ours.acquire()
    ours.acquire()
    assert isinstance(dead.try_acquire(), Wait)
    ours.acquire()
    ours.acquire()


def test_a_pause_moves_the_whole_line(machines: Machines):
    ours, theirs = (machines.one().limit("openai", Rate(1), 0.2) for _ in range(2))
    ours.acquire()
    assert isinstance(theirs.try_acquire(), Wait)
    ours.pause(1.0)
    time.sleep(0.3)  # in which its time comes
    answer = theirs.try_acquire()
    assert isinstance(answer, Wait)
    assert answer.reason == "pause"


@pytest.mark.fault(
    party="Postgres",
    fault="cut short",
    kept="the lock, unless another process had it meanwhile",
    retried="at once",
    told="",
)
def test_a_lock_whose_session_broke_is_taken_again_if_nobody_had_it(machines: Machines):
    ours, theirs = machines.one(), machines.one()
    with ours.held(DAY):
        assert machines.run(END_SESSIONS)
        time.sleep(1.1)  # after which it no longer counts as checked
        ours.check()
        notes: list[str] = []
        waiting = threading.Thread(target=_hold, args=(theirs, notes))
        waiting.start()
        while not notes:
            time.sleep(0.01)
    waiting.join()
    assert notes == [f"another run holds {DAY}: waiting for it to end"]


def _hold(machine: PostgresCoordination, notes: list[str]) -> None:
    with machine.held(DAY, notes.append):
        pass


def test_a_lock_that_another_had_meanwhile_is_lost_and_named(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(session, "BEAT_SECONDS", 3600.0)
    monkeypatch.setattr(session, "GRACE_SECONDS", 0.0)
    ours, theirs = machines.one(), machines.one()
    with ours.held(DAY), ours.held("site"):
        assert machines.run(END_SESSIONS)
        with theirs.held(DAY):
            pass
        time.sleep(1.1)
        with pytest.raises(LockLost, match=f"the lock of {DAY} was lost with the connection"):
            ours.check()
    ours.check()  # of what is not held, nothing is lost
    with ours.held(DAY):
        ours.check()


@pytest.mark.fault(
    party="Postgres",
    fault="slow or drips",
    kept="all that is stored",
    retried="after a minute, on a new connection",
    told="waiting for Postgres at 127.0.0.1/",
)
@pytest.mark.fault(
    party="Postgres",
    fault="timeout",
    kept="all that is stored",
    retried="after a minute, on a new connection",
    told="waiting for Postgres at 127.0.0.1/",
)
def test_a_session_that_stands_still_is_left_for_another(
    machines: Machines, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(database, "ANSWER_SECONDS", 1.0)
    ours = machines.one()
    assert ours.ledger.days() == []
    ((process,),) = machines.run(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
        "AND application_name = 'papers limits and ledger'"
    )
    os.kill(int(str(process)), signal.SIGSTOP)
    try:
        assert ours.ledger.days() == []
    finally:
        os.kill(int(str(process)), signal.SIGCONT)
    assert "waiting for Postgres at 127.0.0.1/" in caplog.text


def test_the_heart_notices_a_broken_session_by_itself(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(session, "BEAT_SECONDS", 0.05)
    ours = machines.one()
    count = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"
    with ours.held(DAY):
        before = machines.run(count)
        machines.run(END_SESSIONS)
        deadline = time.monotonic() + 60
        while machines.run(count) != before:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert before != [(0,)]


SPENT = Spending(
    at=datetime(2026, 3, 2, 8, tzinfo=UTC),
    asset="summaries_en",
    provider="openai",
    model="m",
    input_tokens=10,
    output_tokens=5,
    usd=0.5,
    call="c1",
    state="settled",
)
REFUSE = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '{message}' USING ERRCODE = '{state}'; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON papers.ledger EXECUTE FUNCTION refuse();
"""


@pytest.mark.fault(
    party="Postgres",
    fault="full disk",
    kept="the call, which is entered with the next one",
    retried="for a minute, then with the next call",
    told="could not extend file",
)
def test_a_call_that_does_not_fit_on_the_servers_disk_is_entered_later(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(ledger, "ADD_SECONDS", 0.0)
    ours = machines.one()
    machines.run(REFUSE.format(message="could not extend file", state="53100"))
    with pytest.raises(Unreachable, match="could not extend file"):
        ours.ledger.add(SPENT)
    machines.run("DROP TRIGGER refuse ON papers.ledger")
    ours.ledger.add(SPENT.model_copy(update={"call": "c2"}))
    assert [line.call for line in ours.ledger.spent(SPENT.at.date())] == ["c1", "c2"]


@pytest.mark.fault(
    party="Postgres",
    fault="damaged file",
    kept="the call, which is entered with the next one",
    retried="with the next call",
    told="Restore the server from its own backup",
)
def test_a_server_whose_data_are_damaged_is_named(machines: Machines):
    ours = machines.one()
    machines.run(REFUSE.format(message="invalid page in block 7", state="XX001"))
    with pytest.raises(
        Damaged, match=r"invalid page in block 7.* Restore the server from its own backup"
    ):
        ours.ledger.add(SPENT)
    machines.run("DROP TRIGGER refuse ON papers.ledger")
    ours.ledger.add(SPENT.model_copy(update={"call": "c2"}))
    assert [line.call for line in ours.ledger.spent(SPENT.at.date())] == ["c1", "c2"]


@pytest.mark.slow
def test_a_restart_is_waited_for_and_keeps_limits_locks_and_the_ledger(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(ledger, "ADD_SECONDS", 0.0)
    with running_server() as server:
        machines = Machines(server.new_database())
        ours, theirs = machines.one(), machines.one()
        ours.set_up()
        limit, their_limit = (each.limit("arxiv", Rate(2), 3600.0) for each in (ours, theirs))
        limit.acquire()
        call = SPENT.model_copy(update={"state": "unsettled"})
        settled = call.model_copy(update={"usd": 0.25, "state": "settled"})
        assert ours.ledger.reserve(call, 1.0) == "reserved"
        slots: list[object] = []
        with ours.held(DAY):
            server.stop()
            asking = threading.Thread(target=lambda: slots.append(their_limit.acquire()))
            asking.start()  # while there is no server
            with pytest.raises(Unreachable):
                ours.ledger.add(settled)
            time.sleep(1.0)
            server.start()
            asking.join()
            ours.check()
            notes: list[str] = []
            waiting = threading.Thread(target=_hold, args=(theirs, notes))
            waiting.start()
            while not notes:
                time.sleep(0.01)
        waiting.join()
        assert isinstance(limit.try_acquire(), Wait)
        assert list(theirs.ledger.spent(call.at.date())) == [call]
        ours.ledger.add(settled.model_copy(update={"call": "c2"}))
        assert theirs.ledger.total_usd(call.at.date()) == 0.5
        assert settled in list(theirs.ledger.spent(call.at.date()))
        machines.close()


def test_all_threads_of_a_process_share_one_session(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PAPERS_COORDINATION_URL", "postgresql://papers@127.0.0.1:1/threads")
    settings = load_settings()
    everyone = threading.Barrier(16)
    made = PostgresCoordination.__init__

    def slowly(self: PostgresCoordination, url: str) -> None:
        time.sleep(0.05)
        made(self, url)

    def ask(_: int) -> Coordination:
        everyone.wait()
        return coordination_of(settings)

    monkeypatch.setattr(PostgresCoordination, "__init__", slowly)
    with ThreadPoolExecutor(16) as threads:
        assert len(set(map(id, threads.map(ask, range(16))))) == 1
