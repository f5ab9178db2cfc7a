"""What processes are promised, whether files or Postgres keep them out of each other's way."""

import asyncio
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pytest

from papers_pipeline.coordination.interface import Coordination
from papers_pipeline.coordination.postgres import session
from papers_pipeline.llm.costs import costs
from papers_pipeline.runs import PROCESS_TAG, mark_dead_runs
from papers_pipeline.store.ledger import Spending
from papers_pipeline.store.limits import Limit, Rate, Slots, Ticket, Wait
from papers_pipeline_tests.coordination.conftest import Deployment
from papers_pipeline_tests.helpers.terminal import wait_until

AT = datetime(2026, 3, 2, 8, tzinfo=UTC)
DAY = "2026-03-02"
KEY = "ab" * 32
HOUR = 3600.0
HOLDER = """
import asyncio
from papers_pipeline.settings import load_settings
from papers_pipeline.wiring import coordination_of
coordination = coordination_of(load_settings())
async def hold():
    async with coordination.slots("llm", 1).held(), coordination.key_held("ab" * 32):
        print("held", flush=True)
        await asyncio.sleep(600)
with coordination.held("2026-03-02"):
    asyncio.run(hold())
"""
RUNNING = """
import time
from papers_pipeline.settings import load_settings
from papers_pipeline.wiring import coordination_of
print(coordination_of(load_settings()).process(), flush=True)
time.sleep(600)
"""
ASKING = """
from papers_pipeline.settings import load_settings
from papers_pipeline.store.limits import Rate
from papers_pipeline.wiring import coordination_of
limit = coordination_of(load_settings()).limit("llm", Rate(5), 3600)
print("asking", flush=True)
for _ in range(5):
    limit.acquire()
    print("sent", flush=True)
"""
SPENDING = """
import os
from datetime import UTC, datetime
from papers_pipeline.settings import load_settings
from papers_pipeline.runs import PROCESS_TAG, mark_dead_runs
from papers_pipeline.store.ledger import Spending
from papers_pipeline.wiring import coordination_of
ledger = coordination_of(load_settings()).ledger
call = Spending(at=datetime(2026, 3, 2, 8, tzinfo=UTC), asset="a", provider="p", model="m",
                input_tokens=1, output_tokens=1, usd=0.1, state="unsettled")
for number in range(30):
    print(ledger.reserve(call.model_copy(update={"call": f"{os.getpid()} {number}"}), 1.0))
"""


@dg.job
def an_empty_job() -> None:
    """Nothing to do."""


def started(code: str) -> subprocess.Popen[str]:
    """A process with the settings of the test."""
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


def spending(usd: float | None, **changes: Any) -> Spending:
    line = Spending(
        at=AT,
        asset="summaries_en",
        arxiv_id="2603.10001",
        day=DAY,
        provider="openai",
        model="m",
        prompt_version="v",
        input_tokens=10,
        output_tokens=5,
        usd=usd,
    )
    return line.model_copy(update=changes)


def sent(call: str, usd: float) -> Spending:
    """The first line of a call, with the most that it may cost."""
    return spending(usd, call=call, state="unsettled")


def allowed(limit: Limit, most: int = 100) -> int:
    """How many requests may go at this moment."""
    for count in range(most):
        if isinstance(limit.try_acquire(), Wait):
            return count
    return most


def ticket(limit: Limit, tokens: int = 0) -> Ticket:
    answer = limit.try_acquire(tokens)
    assert isinstance(answer, Ticket), answer
    return answer


def wait(limit: Limit, tokens: int = 0) -> Wait:
    answer = limit.try_acquire(tokens)
    assert isinstance(answer, Wait), answer
    return answer


def test_a_lock_is_held_by_one_process_and_whoever_waits_is_told(deployment: Deployment):
    ours, theirs = deployment.process(), deployment.process()
    notes: list[str] = []
    order: list[str] = []

    def wait_for_it() -> None:
        with theirs.held(DAY, notes.append):
            order.append("theirs")

    with ThreadPoolExecutor() as threads:
        with ours.held(DAY, notes.append), ours.held("2026-03-03", notes.append):
            waiting = threads.submit(wait_for_it)
            while not notes:
                time.sleep(0.01)
            order.append("ours")
        waiting.result()
    assert notes == [f"another run holds {DAY}: waiting for it to end"]
    assert order == ["ours", "theirs"]


def test_two_runs_of_one_process_exclude_each_other(deployment: Deployment):
    process = deployment.process()
    inside = most = 0

    def hold(_: int) -> None:
        nonlocal inside, most
        with process.held(DAY):
            inside += 1
            most = max(most, inside)
            time.sleep(0.01)
            inside -= 1

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(hold, range(8)))
    assert (inside, most) == (0, 1)


@pytest.mark.fault(
    party="Postgres",
    fault="killed process",
    kept="nothing is held for a dead process",
    retried="at once",
    told="",
)
def test_a_killed_process_frees_its_locks_and_slots(deployment: Deployment):
    holder = started(HOLDER)
    assert holder.stdout
    assert holder.stdout.readline() == "held\n"
    ours = deployment.process()
    notes: list[str] = []

    async def take_slot_and_key() -> None:
        async with ours.slots("llm", 1).held(), ours.key_held(KEY):
            pass

    def tell(message: str) -> None:
        notes.append(message)
        holder.kill()

    with ours.held(DAY, tell):
        asyncio.run(take_slot_and_key())
    holder.communicate()
    assert len(notes) == 1


def test_a_killed_process_is_gone_and_its_run_is_marked_failed(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(session, "GONE_SECONDS", 1.0)
    ours = deployment.process()
    runner = started(RUNNING)
    assert runner.stdout
    names = {"alive": ours.process(), "killed": runner.stdout.readline().strip()}
    assert names["alive"] != names["killed"]
    with dg.DagsterInstance.ephemeral() as instance:
        runs = {}
        for fate, name in names.items():
            runs[fate] = instance.create_run_for_job(
                an_empty_job, status=dg.DagsterRunStatus.STARTED, tags={PROCESS_TAG: name}
            ).run_id
        unknown = {PROCESS_TAG: "another-host:1:1"}
        instance.create_run_for_job(an_empty_job, status=dg.DagsterRunStatus.STARTED, tags=unknown)
        time.sleep(1.1)  # longer than a process may be unheard of
        assert mark_dead_runs(instance, ours) == []
        runner.kill()
        runner.communicate()
        wait_until(lambda: ours.is_gone(names["killed"]))
        assert mark_dead_runs(instance, ours) == [runs["killed"]]
        assert not ours.is_gone(names["alive"])


def test_the_key_of_a_purchase_is_held_by_one_task_of_one_process(deployment: Deployment):
    processes = [deployment.process(), deployment.process()]
    inside = most = 0

    async def hold(process: Coordination) -> None:
        nonlocal inside, most
        async with process.key_held(KEY):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.01)
            inside -= 1

    async def all_at_once() -> None:
        await asyncio.gather(*(hold(process) for process in processes * 4))

    asyncio.run(all_at_once())
    assert (inside, most) == (0, 1)


def test_whoever_stops_waiting_for_a_key_or_a_slot_keeps_it_from_nobody(deployment: Deployment):
    ours, theirs = deployment.process(), deployment.process()

    async def hold(process: Coordination, slots: Slots) -> None:
        async with slots.held(), process.key_held(KEY):
            await asyncio.sleep(HOUR)

    async def cancel() -> None:
        for pause in (0.0, 0.001, 0.003, 0.01, 0.05):
            slots = theirs.slots("llm", 1)
            tasks = [asyncio.create_task(hold(theirs, slots)) for _ in range(3)]
            await asyncio.sleep(pause)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        async with ours.slots("llm", 1).held(), ours.key_held(KEY):
            pass

    asyncio.run(asyncio.wait_for(cancel(), 60))


def test_a_lock_that_is_held_is_not_lost(deployment: Deployment):
    process = deployment.process()
    process.check()
    with process.held(DAY):
        process.check()


def test_two_processes_together_stay_at_the_limit(deployment: Deployment):
    asking = [started(ASKING) for _ in range(2)]
    for process in asking:
        assert process.stdout
        assert process.stdout.readline() == "asking\n"
    limit = deployment.process().limit("llm", Rate(6), HOUR)
    while isinstance(limit.try_acquire(), Ticket):  # takes the sixth, once they have the others
        time.sleep(0.01)
    time.sleep(0.5)  # in which one too many would come: an hour is not over on the slowest machine
    lines = []
    for process in asking:
        process.kill()
        lines += process.communicate()[0].splitlines()
    assert 0 < len(lines) <= 5


def test_a_limit_of_a_family_counts_all_of_its_names(deployment: Deployment):
    ours, theirs = deployment.process(), deployment.process()
    openai = ours.limit("openai", Rate(), HOUR, family="models", requests_of_all=3)
    other = theirs.limit("anthropic", Rate(2), HOUR, family="models", requests_of_all=3)
    arxiv = theirs.limit("arxiv", Rate(1), HOUR)
    assert (allowed(openai, 2), allowed(other), allowed(arxiv)) == (2, 1, 1)
    assert wait(openai).reason == "requests"
    assert wait(openai).most == 3


def test_tokens_count_by_estimate_and_then_as_used(deployment: Deployment):
    ours, theirs = (
        deployment.process().limit("openai", Rate(tokens=10_000), HOUR) for _ in range(2)
    )
    first = ticket(ours, 6_000)
    assert wait(theirs, 6_000).seconds == pytest.approx(HOUR, abs=60)
    assert wait(theirs, 6_000).reason == "tokens"
    ours.settle(first, 1_500)
    ticket(theirs, 6_000)
    assert wait(ours, 6_000).most == 10_000


def test_a_refusal_pauses_all_processes_and_halves_what_may_go(deployment: Deployment):
    ours, theirs = (deployment.process().limit("openai", Rate(80), HOUR) for _ in range(2))
    other = deployment.process().limit("anthropic", Rate(80), HOUR)
    assert ours.refuse(ticket(ours), 0.5, backoff_seconds=1.0) == pytest.approx(0.5, abs=0.01)
    assert wait(theirs).reason == "pause"
    ticket(other)
    theirs.acquire()
    # Half of them, one at a time.
    assert (wait(ours).reason, wait(ours).most) == ("requests", 40)


def test_a_pause_holds_for_all_processes_and_takes_nothing_afterwards(deployment: Deployment):
    ours, theirs = (deployment.process().limit("arxiv", Rate(80), HOUR) for _ in range(2))
    ours.pause(0.5)
    ours.pause(0.1)
    assert wait(theirs).reason == "pause"
    started_at = time.monotonic()
    theirs.acquire()
    assert time.monotonic() - started_at >= 0.3
    assert allowed(ours) == 79


def test_processes_together_hold_no_more_slots(deployment: Deployment):
    processes = [deployment.process(), deployment.process()]
    inside = most = 0

    async def use(slots: Slots) -> None:
        nonlocal inside, most
        async with slots.held():
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.005)
            inside -= 1

    async def all_at_once() -> None:
        # Two of each process, as a process may hold the same slots twice.
        everyone = [process.slots("llm", 3) for process in processes * 2]
        await asyncio.gather(*(use(slots) for slots in everyone * 5))

    asyncio.run(all_at_once())
    assert inside == 0
    assert 1 <= most <= 3


def test_the_ledger_reads_back_what_was_added(deployment: Deployment):
    ours, theirs = deployment.process().ledger, deployment.process().ledger
    every_field = spending(
        0.2,
        cache_read_tokens=8,
        cache_write_tokens=4,
        reasoning_tokens=3,
        batch="b1",
        key=KEY,
        state="estimated",
    )
    ours.add(spending(0.1), spending(None), every_field)
    ours.add(spending(9.0, at=AT.replace(day=3)))
    assert list(theirs.spent(AT.date())) == [spending(0.1), spending(None), every_field]
    assert theirs.days() == [AT.date(), AT.date().replace(day=3)]
    assert theirs.keys_of_batch("b1", AT.date()) == {KEY}
    assert theirs.keys_of_batch("b1", AT.date().replace(day=3)) == set()
    assert list(theirs.spent(AT.date().replace(day=4))) == []


def test_a_call_counts_once_at_its_highest_price_until_it_is_settled(deployment: Deployment):
    ours, theirs = deployment.process().ledger, deployment.process().ledger
    calls = [sent(name, 0.5) for name in ("settled", "refused", "lost")]
    for call in calls:
        assert ours.reserve(call) == "reserved"
    assert theirs.total_usd(AT.date()) == 1.5
    ours.add(calls[0].model_copy(update={"usd": 0.25, "state": "settled"}))
    ours.add(calls[1].refused())
    assert theirs.total_usd(AT.date()) == 0.75
    assert [(line.call, line.usd, line.state) for line in theirs.spent(AT.date())] == [
        ("settled", 0.25, "settled"),
        ("lost", 0.5, "unsettled"),
    ]
    (row,) = costs(theirs)
    assert (row["calls"], row["usd"], row["unsettled"]) == (2, 0.75, 1)


def test_a_budget_has_room_again_when_a_call_is_settled_for_less(deployment: Deployment):
    ours, theirs = deployment.process().ledger, deployment.process().ledger
    assert ours.reserve(sent("first", 0.75), 1.0, patience_seconds=60) == "reserved"
    assert theirs.reserve(sent("second", 0.5), 1.0, patience_seconds=60) == "wait"
    assert theirs.reserve(sent("dear", 1.25), 1.0, patience_seconds=60) == "none"
    assert theirs.reserve(sent("second", 0.5), 1.0, patience_seconds=-1) == "none"
    ours.add(sent("first", 0.75).model_copy(update={"usd": 0.25, "state": "settled"}))
    assert theirs.reserve(sent("second", 0.5), 1.0, patience_seconds=60) == "reserved"
    assert ours.total_usd(AT.date()) == 0.75


def test_processes_together_reserve_no_more_than_the_budget(deployment: Deployment):
    assert os.environ["PAPERS_DATA_DIR"]
    spenders = [started(SPENDING) for _ in range(2)]
    rooms = []
    for spender in spenders:
        rooms += spender.communicate()[0].split()
    assert len(rooms) == 60
    assert rooms.count("reserved") == 10
    ledger = deployment.process().ledger
    assert ledger.total_usd(AT.date()) == pytest.approx(1.0)
    assert len(list(ledger.spent(AT.date()))) == 10
