"""Nothing is computed twice: by two tasks, by two processes, or after a kill."""

import asyncio
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from upath import UPath

from papers_pipeline.base import notes
from papers_pipeline.base.clock import FixedClock
from papers_pipeline.coordination.files import FileCoordination
from papers_pipeline.store.damage import NewerFormat
from papers_pipeline.store.purchases import FinalFailure, Purchase, Purchases

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
KEY = {"prompt": "abc", "input": "def"}


def purchases(tmp_path, clock=None) -> Purchases:
    locks = FileCoordination(tmp_path / "home", tmp_path / "ledger")
    return Purchases(UPath(tmp_path) / "purchases", locks, clock or FixedClock(NOW))


def entry(value: str, identity=KEY) -> Purchase:
    return Purchase(asset="summaries_en", identity=identity, created_at=NOW, value={"text": value})


def counted(calls: list, answer: Purchase | None):
    async def compute():
        calls.append(1)
        await asyncio.sleep(0.05)
        return answer

    return compute


def test_an_entry_is_computed_once_and_then_reused(tmp_path):
    calls: list = []
    for reused in (False, True):
        got = asyncio.run(
            purchases(tmp_path).get_or_compute("summaries_en", KEY, counted(calls, entry("x")))
        )
        assert got == (entry("x"), reused)
    assert len(calls) == 1


def test_tasks_that_want_the_same_entry_wait_for_each_other(tmp_path):
    calls: list = []

    async def both():
        store = purchases(tmp_path)
        tasks = [
            store.get_or_compute("summaries_en", KEY, counted(calls, entry("x"))) for _ in range(5)
        ]
        return await asyncio.gather(*tasks)

    results = asyncio.run(both())
    assert sorted(reused for _, reused in results) == [False, True, True, True, True]
    assert len(calls) == 1


PROCESS = """
import asyncio, sys, pathlib
from datetime import UTC, datetime
from upath import UPath
from papers_pipeline.store.purchases import Purchases, Purchase
from papers_pipeline.coordination.files import FileCoordination
from papers_pipeline.base.clock import Clock
folder = pathlib.Path(sys.argv[1])
locks = FileCoordination(folder / "home", folder / "ledger")
store = Purchases(UPath(folder) / "purchases", locks, Clock())
async def compute():
    await asyncio.sleep(0.5)
    with (folder / "bought").open("a") as file: file.write("x")
    return Purchase(asset="a", identity={"k": "1"}, created_at=datetime.now(UTC), value={})
asyncio.run(store.get_or_compute("a", {"k": "1"}, compute))
"""


@pytest.fixture
def told_soon(monkeypatch):
    """Waits are noted after 0.2 s."""
    monkeypatch.setattr(notes, "NOTED_SECONDS", 0.2)


def test_a_long_wait_for_another_run_is_told_once_and_then_its_entry_is_reused(tmp_path, told_soon):
    told: list[str] = []

    async def both():
        waits = asyncio.Event()

        def note(message: str) -> None:
            told.append(message)
            waits.set()

        async def compute():
            await waits.wait()
            return entry("x")

        ours, theirs = purchases(tmp_path), purchases(tmp_path)
        first = asyncio.create_task(theirs.get_or_compute("summaries_en", KEY, compute))
        await asyncio.sleep(0.05)
        return await ours.get_or_compute("summaries_en", KEY, compute, note=note), await first

    assert asyncio.run(both()) == ((entry("x"), True), (entry("x"), False))
    assert told == ["waiting for summaries_en: another run is making the same row"]


def test_a_short_wait_is_not_told(tmp_path):
    told: list[str] = []
    calls: list = []

    async def both():
        wanted = [
            purchases(tmp_path).get_or_compute(
                "summaries_en", KEY, counted(calls, entry("x")), note=told.append
            )
            for _ in range(2)
        ]
        await asyncio.gather(*wanted)

    asyncio.run(both())
    assert (len(calls), told) == (1, [])


def test_the_lock_of_a_killed_process_is_free(tmp_path, told_soon):
    script = PROCESS.replace("asyncio.sleep(0.5)", "asyncio.sleep(600)").replace(
        "async def compute():", "async def compute():\n    print('held', flush=True)"
    )
    told: list[str] = []
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout.readline() == "held\n"

        async def buy():
            def note(message: str) -> None:
                told.append(message)
                holder.kill()

            async def compute():
                return Purchase(asset="a", identity={"k": "1"}, created_at=NOW, value={})

            return await purchases(tmp_path).get_or_compute("a", {"k": "1"}, compute, note=note)

        _, reused = asyncio.run(buy())
    assert not reused
    assert told == ["waiting for a: another run is making the same row"]


def test_two_processes_never_buy_the_same(tmp_path):
    buyers = [subprocess.Popen([sys.executable, "-c", PROCESS, str(tmp_path)]) for _ in range(2)]
    assert [buyer.wait(timeout=30) for buyer in buyers] == [0, 0]
    assert (tmp_path / "bought").read_text() == "x"


def test_a_failed_computation_stores_nothing(tmp_path):
    async def fail():
        raise TimeoutError

    with pytest.raises(TimeoutError):
        asyncio.run(purchases(tmp_path).get_or_compute("summaries_en", KEY, fail))
    assert purchases(tmp_path).get("summaries_en", KEY) is None


def test_an_unusable_entry_is_computed_again_and_replaced(tmp_path):
    purchases(tmp_path).put(entry("old"))
    got = asyncio.run(
        purchases(tmp_path).get_or_compute(
            "summaries_en", KEY, counted([], entry("new")), lambda stored: False
        )
    )
    assert got == (entry("new"), False)
    assert purchases(tmp_path).get("summaries_en", KEY) == entry("new")


def test_the_key_depends_on_the_identity_and_the_asset(tmp_path):
    store = purchases(tmp_path)
    store.put(entry("x"))
    assert store.get("summaries_en", KEY | {"prompt": "new"}) is None
    assert store.get("summaries_ru", KEY) is None
    assert store.get("summaries_en", dict(reversed(KEY.items()))) == entry("x")


def test_a_final_failure_expires(tmp_path):
    clock = FixedClock(NOW)
    store = purchases(tmp_path, clock)
    reasons = {"refused": timedelta(days=1), "too_large": timedelta(days=30)}
    for reason, lifetime in reasons.items():
        clock.moment = NOW
        failure = FinalFailure(stage="paper_pdfs", reason=reason, attempts=1)
        store.put(store.final_failure("paper_pdfs", {"id": reason}, failure))
        clock.moment = NOW + lifetime - timedelta(seconds=1)
        assert store.get("paper_pdfs", {"id": reason}).failure == failure
        clock.moment = NOW + lifetime
        assert store.get("paper_pdfs", {"id": reason}) is None


def of_format_1(data: bytes) -> bytes:
    """The file as an earlier release wrote it: without a checksum."""
    stored = json.loads(data) | {"format": 1}
    del stored["sha256"]
    return json.dumps(stored, indent=1).encode() + b"\n"


def test_an_entry_without_a_checksum_opens_and_gets_one_when_it_is_written_anew(tmp_path):
    store = purchases(tmp_path)
    store.put(entry("x"))
    path = store.path("summaries_en", KEY)
    written = path.read_bytes()
    path.write_bytes(of_format_1(written))
    calls: list = []
    got, reused = asyncio.run(
        store.get_or_compute("summaries_en", KEY, counted(calls, entry("bought again")))
    )
    assert (got.value, reused, calls) == ({"text": "x"}, True, [])
    store.put(got)
    assert path.read_bytes() == written


DAMAGES = {
    "empty": lambda data: b"",
    "cut": lambda data: data[: len(data) // 2],
    "zeros": lambda data: bytes(len(data)),
    "no value": lambda data: data.replace(b'"value"', b'"valve"'),
    "flipped": lambda data: data.replace(b'"text": "x"', b'"text": "y"'),
    "no checksum": lambda data: data.replace(b"sha256", b"sha257"),
    "no value in format 1": lambda data: of_format_1(data).replace(b'"value"', b'"valve"'),
    "other name in format 1": lambda data: of_format_1(data).replace(b'"def"', b'"deg"'),
}


@pytest.mark.parametrize("damage", list(DAMAGES.values()), ids=list(DAMAGES))
@pytest.mark.fault(
    party="disk",
    fault="malformed",
    kept="the file, beside itself",
    retried="by the next use",
    told=" is damaged (",
)
def test_a_damaged_entry_is_set_aside_named_once_and_absent(tmp_path, caplog, damage):
    store = purchases(tmp_path)
    store.put(entry("x"))
    path = store.path("summaries_en", KEY)
    data = damage(path.read_bytes())
    path.write_bytes(data)
    assert list(store.entries("summaries_en")) == []
    assert store.get("summaries_en", KEY) is None
    assert path.with_name(f"{path.name}.damaged").read_bytes() == data
    (message,) = [record.getMessage() for record in caplog.records]
    assert message.startswith(f"{path} is damaged (")
    got = asyncio.run(store.get_or_compute("summaries_en", KEY, counted([], entry("y"))))
    assert got == (entry("y"), False)


def test_an_entry_of_a_newer_release_is_refused_never_replaced_and_not_computed_again(tmp_path):
    store = purchases(tmp_path)
    path = store.path("summaries_en", KEY)
    path.parent.mkdir(parents=True)
    path.write_bytes(b'{"format": 3, "told": "otherwise"}')
    calls: list = []
    uses = (
        lambda: store.get("summaries_en", KEY),
        lambda: list(store.entries("summaries_en")),
        lambda: store.put(entry("x")),
        lambda: asyncio.run(store.get_or_compute("summaries_en", KEY, counted(calls, entry("x")))),
    )
    for use in uses:
        with pytest.raises(NewerFormat, match="an entry in format 3 was written by a newer"):
            use()
    assert calls == []
    assert path.read_bytes() == b'{"format": 3, "told": "otherwise"}'
