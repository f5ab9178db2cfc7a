"""Limits apply across all processes of a machine."""

import asyncio
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from papers_pipeline.store.limits import FILE, Line, Rate, SharedLimit, SharedSlots, Ticket, Wait

PROCESS = """
import sys, pathlib
from papers_pipeline.store.limits import Rate, SharedLimit
limit = SharedLimit(pathlib.Path(sys.argv[1]), "llm", Rate(5), 3600)
for _ in range(5):
    limit.acquire()
    with pathlib.Path(sys.argv[2]).open("a") as file:
        file.write("x")
"""
MINUTE = 61.0


class SetClock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


def limited(
    folder: Path, clock: SetClock, rate: Rate, name: str = "openai", **more: int
) -> SharedLimit:
    return SharedLimit(folder, name, rate, MINUTE, now=clock, **more)


def ticket(limit: SharedLimit, tokens: int = 0) -> Ticket:
    answer = limit.try_acquire(tokens)
    assert isinstance(answer, Ticket), answer
    return answer


def wait(limit: SharedLimit, tokens: int = 0) -> Wait:
    answer = limit.try_acquire(tokens)
    assert isinstance(answer, Wait), answer
    return answer


def allowed(limit: SharedLimit, most: int = 1000) -> int:
    """How many requests may go at this moment."""
    for count in range(most):
        if isinstance(limit.try_acquire(), Wait):
            return count
    return most


def test_two_processes_together_stay_at_the_limit(tmp_path: Path):
    sent = tmp_path / "sent"
    arguments = [sys.executable, "-c", PROCESS, str(tmp_path / "limits"), str(sent)]
    asking = [subprocess.Popen(arguments) for _ in range(2)]
    deadline = time.monotonic() + 120
    while not sent.exists() or len(sent.read_text()) < 5:
        assert time.monotonic() < deadline, "fewer than the limit were allowed"
        time.sleep(0.02)
    time.sleep(0.5)  # in which a sixth would come: an hour is not over on the slowest machine
    assert len(sent.read_text()) == 5
    for process in asking:
        process.kill()
        process.wait()


def test_after_the_window_there_are_more(tmp_path: Path):
    limit = SharedLimit(tmp_path, "llm", Rate(2), 0.2)
    started = time.monotonic()
    for _ in range(5):
        limit.acquire()
    # Two at once, two a window later, one another window later. Clocks tick in milliseconds.
    assert time.monotonic() - started >= 0.39


def test_limits_of_different_names_do_not_share(tmp_path: Path):
    for name in ("one", "two"):
        SharedLimit(tmp_path, name, Rate(1), 3600).acquire()  # would wait an hour


def test_a_limit_of_all_names_counts_them_together(tmp_path: Path, clock: SetClock):
    openai = limited(tmp_path, clock, Rate(), requests_of_all=3)
    anthropic = limited(tmp_path, clock, Rate(2), "anthropic", requests_of_all=3)
    assert (allowed(openai, 2), allowed(anthropic)) == (2, 1)
    clock.now += 1
    assert wait(openai) == Wait(pytest.approx(MINUTE - 1), "requests", 3)


def test_three_hundred_a_minute_are_sustained(tmp_path: Path, clock: SetClock):
    """Whoever waits as long as told sends at least 90 % of what is allowed, hour after hour."""
    limit = limited(tmp_path, clock, Rate(300))
    started, sent = clock.now, 0
    while clock.now < started + 600:
        answer = limit.try_acquire()
        if isinstance(answer, Ticket):
            sent += 1
            clock.now += 0.01
        else:
            clock.now += answer.seconds
    assert 0.9 * 3000 <= sent <= 3000


def test_tokens_count_by_estimate_and_then_as_used(tmp_path: Path, clock: SetClock):
    limit = limited(tmp_path, clock, Rate(tokens=10_000))
    first = ticket(limit, 6_000)
    clock.now += 10
    assert wait(limit, 6_000) == Wait(pytest.approx(MINUTE - 10), "tokens", 10_000)
    limit.settle(first, 1_500)
    ticket(limit, 6_000)
    assert wait(limit, 6_000).seconds == pytest.approx(MINUTE)
    assert wait(limit, 3_000).seconds == pytest.approx(MINUTE - 10)


def test_a_request_of_more_tokens_than_all_goes_alone(tmp_path: Path, clock: SetClock):
    limit = limited(tmp_path, clock, Rate(tokens=10_000))
    ticket(limit, 300_000)
    clock.now += 20
    assert wait(limit, 1).seconds == pytest.approx(MINUTE - 20)
    assert wait(limit, 300_000).seconds == pytest.approx(MINUTE - 20)


def test_a_burst_spreads_the_requests(tmp_path: Path, clock: SetClock):
    limit = limited(tmp_path, clock, Rate(300, burst=5))
    assert allowed(limit) == 5
    assert wait(limit).seconds == pytest.approx(MINUTE / 60)
    clock.now += MINUTE / 60
    assert allowed(limit) == 5


def test_a_refusal_pauses_everyone_as_long_as_told(tmp_path: Path, clock: SetClock):
    ours, theirs = (limited(tmp_path, clock, Rate(100)) for _ in range(2))
    other_provider = limited(tmp_path, clock, Rate(100), "anthropic")
    ours.refuse(ticket(ours), 7.0, backoff_seconds=1.0)
    assert wait(theirs) == Wait(pytest.approx(7.0), "pause")
    ticket(other_provider)
    clock.now += 7
    ticket(theirs)


def test_refusals_without_a_time_pause_longer_and_longer_until_one_is_answered(
    tmp_path: Path, clock: SetClock
):
    limit = limited(tmp_path, clock, Rate(10_000))
    pauses = []
    for _ in range(8):
        pauses.append(limit.refuse(ticket(limit), None, backoff_seconds=1.0))
        clock.now += pauses[-1]
    assert pauses == pytest.approx([1, 2, 4, 8, 16, 32, 60, 60])
    clock.now += 1
    limit.settle(ticket(limit), 10)
    clock.now += 1
    assert limit.refuse(ticket(limit), None, backoff_seconds=1.0) == pytest.approx(1)


def test_a_refusal_halves_the_requests_until_quiet_minutes_restore_them(
    tmp_path: Path, clock: SetClock
):
    limit = limited(tmp_path, clock, Rate(80, tokens=1_000_000))
    limit.refuse(ticket(limit), 0.5, backoff_seconds=1.0)
    clock.now += 0.5
    # Half of them, one at a time.
    ticket(limit)
    assert wait(limit) == Wait(pytest.approx(MINUTE / 40), "requests", 40)
    # A second refusal halves them again.
    clock.now += MINUTE / 40
    limit.refuse(ticket(limit), 0.5, backoff_seconds=1.0)
    clock.now += MINUTE / 20
    ticket(limit)
    assert wait(limit).most == pytest.approx(20, abs=1)
    clock.now += MINUTE
    ticket(limit)
    assert wait(limit).most == pytest.approx(40, abs=2)
    clock.now += MINUTE
    assert allowed(limit) == 80


def test_requests_turned_away_together_count_as_one_refusal(tmp_path: Path, clock: SetClock):
    limit = limited(tmp_path, clock, Rate(80))
    together = [ticket(limit) for _ in range(32)]
    clock.now += 3
    pauses = [limit.refuse(one, None, backoff_seconds=1.0) for one in together]
    assert pauses == pytest.approx([1] * 32)
    clock.now += 1
    ticket(limit)  # none of those turned away counts
    assert wait(limit).most == 40


def test_the_rate_never_falls_to_nothing(tmp_path: Path, clock: SetClock):
    limit = limited(tmp_path, clock, Rate(10))
    for _ in range(20):
        limit.refuse(ticket(limit), 0.001, backoff_seconds=1.0)
        clock.now += 0.01
    assert allowed(limit) == 1


@pytest.mark.parametrize("seconds", [-86_400, 86_400])
def test_a_clock_that_jumps_blocks_nobody_for_longer_than_a_window(
    tmp_path: Path, clock: SetClock, seconds: int
):
    limit = limited(tmp_path, clock, Rate(5))
    assert allowed(limit) == 5
    limit.refuse(ticket(limited(tmp_path, clock, Rate(9))), 3000.0, backoff_seconds=1.0)
    clock.now += seconds
    if seconds < 0:
        assert wait(limit).seconds <= MINUTE
        clock.now += MINUTE
    ticket(limit)


@pytest.mark.parametrize("content", [b"no database" * 999, None], ids=["text", "damaged page"])
def test_an_unreadable_file_is_set_aside_and_made_anew(
    tmp_path: Path, clock: SetClock, content: bytes | None
):
    limit = limited(tmp_path, clock, Rate(5))
    assert allowed(limit) == 5
    file = tmp_path / FILE
    if content is None:
        content = file.read_bytes()[:1000] + b"\xff" * 9000
    file.write_bytes(content)
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: limit.try_acquire(), range(20)))
    assert sum(isinstance(answer, Ticket) for answer in answers) == 5
    assert file.with_suffix(".unreadable").read_bytes() == content
    with closing(sqlite3.connect(file)) as database:
        assert database.execute("SELECT count(*) FROM requests").fetchone() == (5,)


def test_a_damaged_file_loses_and_doubles_no_request_of_those_that_meet_it_at_once(
    tmp_path: Path, clock: SetClock
):
    """Each limit has the file open by itself, as processes do."""
    for place in range(20):
        folder = tmp_path / str(place)
        limits = [limited(folder, clock, Rate(1000)) for _ in range(4)]
        ticket(limits[0])
        content = (folder / FILE).read_bytes()[:1000] + b"\xff" * 9000
        (folder / FILE).write_bytes(content)
        with ThreadPoolExecutor(16) as threads:
            list(threads.map(lambda limit: ticket(limit), limits * 8))
        assert (folder / FILE).with_suffix(".unreadable").read_bytes() == content
        with closing(sqlite3.connect(folder / FILE)) as database:
            assert database.execute("SELECT count(*) FROM requests").fetchone() == (32,)


@pytest.mark.parametrize(
    "damage",
    [
        "DROP TABLE requests; CREATE TABLE requests (number INTEGER PRIMARY KEY, place REAL)",
        "ALTER TABLE refusals RENAME COLUMN until TO till",
        "UPDATE requests SET at = NULL WHERE number = 1",
        "INSERT INTO refusals VALUES ('openai', 1.0, NULL, 1, NULL)",
    ],
    ids=["another table", "another column", "no time", "no share"],
)
def test_a_file_with_damaged_rows_or_tables_is_set_aside(
    tmp_path: Path, clock: SetClock, damage: str
):
    limit = limited(tmp_path, clock, Rate(1))
    ticket(limit)
    limit.refuse(ticket(limited(tmp_path, clock, Rate(9), "other")), 1.0, backoff_seconds=1.0)
    with closing(sqlite3.connect(tmp_path / FILE)) as database:
        database.executescript(
            f"DELETE FROM refusals; {damage}; INSERT INTO requests DEFAULT VALUES"
        )
    ticket(limit)
    assert isinstance(limit.try_acquire(), Wait)
    assert (tmp_path / FILE).with_suffix(".unreadable").exists()


def test_a_pause_from_before_the_clock_was_set_back_does_not_lengthen_the_next(
    tmp_path: Path, clock: SetClock
):
    limit = limited(tmp_path, clock, Rate(50))
    clock.now += 30 * 86_400
    limit.refuse(ticket(limit), 100.0, backoff_seconds=1.0)
    clock.now -= 30 * 86_400
    assert limit.refuse(ticket(limit), 5.0, backoff_seconds=1.0) == 5.0
    assert wait(limit) == Wait(5.0, "pause")


def test_a_long_wait_says_what_it_is_for(tmp_path: Path):
    limit = SharedLimit(tmp_path, "huggingface", Rate(1), 4.0)
    notes: list[str] = []
    limit.acquire(notes.append)
    assert notes == []
    limit.acquire(notes.append)
    assert notes == ["waiting for huggingface: 1 requests in 4 s are used up (4 s)"]


def test_urgent_threads_go_first_and_all_get_their_turn():
    line = Line()
    order: list[str] = []

    def wait_and_note(name: str, is_urgent: bool) -> None:
        with line.first(is_urgent):
            order.append(name)

    with ThreadPoolExecutor(4) as threads, line.first(is_urgent=False):
        asked = [("html 1", False), ("pdf 1", True), ("html 2", False), ("pdf 2", True)]
        for place, (name, is_urgent) in enumerate(asked, 2):
            threads.submit(wait_and_note, name, is_urgent)
            while len(line) < place:
                time.sleep(0.001)
        assert order == []
    assert order == ["pdf 1", "pdf 2", "html 1", "html 2"]


def test_two_processes_with_urgent_requests_and_others_send_them_all(tmp_path: Path):
    limits = [SharedLimit(tmp_path, "arxiv", Rate(4), 0.05) for _ in range(2)]  # as two processes
    sent: list[bool] = []

    def send(number: int) -> None:
        is_urgent = number % 4 < 2
        limits[number % 2].acquire(is_urgent=is_urgent)
        sent.append(is_urgent)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(send, range(40)))
    assert sorted(sent) == [False] * 20 + [True] * 20


HOLDER = """
import asyncio, pathlib, sys
from papers_pipeline.store.limits import SharedSlots

async def hold():
    async with SharedSlots(pathlib.Path(sys.argv[1]), "llm", 1).held():
        print("held", flush=True)
        await asyncio.sleep(600)

asyncio.run(hold())
"""


def test_the_slot_of_a_killed_process_comes_back(tmp_path: Path):
    async def wait_for_it() -> bool:
        slots = SharedSlots(tmp_path, "llm", 1)
        waiting = asyncio.create_task(slots.held().__aenter__())
        await asyncio.sleep(0.1)
        was_taken = not waiting.done()
        holder.kill()
        await asyncio.wait_for(waiting, 60)
        return was_taken

    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "held\n"
        assert asyncio.run(wait_for_it())


def test_slots_are_given_in_the_order_of_asking(tmp_path: Path):
    async def use(slots: list[SharedSlots], count: int) -> tuple[list[int], int]:
        order: list[int] = []
        most = held = 0

        async def one(number: int) -> None:
            nonlocal held, most
            async with slots[number % len(slots)].held():
                order.append(number)
                held += 1
                most = max(most, held)
                await asyncio.sleep(0)
                held -= 1

        await asyncio.gather(*map(one, range(count)))
        return order, most

    order, most = asyncio.run(use([SharedSlots(tmp_path, "llm", 8)], 200))
    assert order == list(range(200))
    assert most == 8
    # Two processes, as two objects: together they hold no more.
    order, most = asyncio.run(use([SharedSlots(tmp_path, "llm", 3) for _ in range(2)], 50))
    assert sorted(order) == list(range(50))
    assert most <= 3
