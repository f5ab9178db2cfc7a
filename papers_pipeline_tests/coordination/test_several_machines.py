"""Two machines with one data folder and one database build days as one machine does."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from papers_pipeline.sandbox.world import Fault
from papers_pipeline.settings import load_settings
from papers_pipeline.store import files as storage
from papers_pipeline.store.lake import Lake
from papers_pipeline_tests.helpers.buckets import enter_bucket, s3_server
from papers_pipeline_tests.helpers.outside import Outside, kettles
from papers_pipeline_tests.helpers.postgres import Server
from papers_pipeline_tests.helpers.terminal import PAPERS, papers, wait_until

DAYS = ("2026-03-02", "2026-03-03")


def machine(name: str, *arguments: str) -> "subprocess.Popen[str]":
    """A command on a machine of its own: with the data folder of all, and its own Dagster home."""
    home = Path(os.environ["DAGSTER_HOME"]).with_name(name)
    return subprocess.Popen(
        [PAPERS, *arguments],
        env={**os.environ, "DAGSTER_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


pytestmark = [pytest.mark.slow, pytest.mark.programs("initdb")]


@pytest.fixture(autouse=True)
def shared_database(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAPERS_COORDINATION_URL", server.new_database())
    assert papers("setup-coordination").exit_code == 0


@pytest.fixture(params=["folder", "bucket"])
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The data folder of all machines is shared, or on a bucket."""
    if request.param == "folder":
        yield
        return
    with s3_server() as (url, _):
        enter_bucket(monkeypatch, url, f"machines-{uuid4()}")  # moto keeps what servers held
        yield


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("days", [(DAYS[0], DAYS[0]), DAYS], ids=["same day", "same papers"])
def test_nothing_is_bought_twice_and_the_ledger_has_every_call(
    outside: Outside, monkeypatch: pytest.MonkeyPatch, days: tuple[str, str]
):
    for day in set(days):
        outside.list(day, kettles(1, 2, 3))
    outside.offer(monkeypatch)
    builds = [
        machine(f"machine-{number}", "build", "--date", day) for number, day in enumerate(days)
    ]
    outputs = [build.communicate()[0] for build in builds]
    assert [build.returncode for build in builds] == [0, 0], outputs
    calls = outside.calls().total()
    assert calls == answers() > 0
    rows = json.loads(papers("costs", "--json").stdout)["rows"]
    assert sum(row["calls"] for row in rows) == calls
    assert Lake(load_settings().data / "lake").partitions("daily_issue") == sorted(set(days))


def test_a_machine_that_waits_builds_the_day_of_one_that_died(
    outside: Outside, monkeypatch: pytest.MonkeyPatch
):
    outside.list(DAYS[0], kettles(1, 2, 3))
    outside.offer(monkeypatch, "openai")
    # The first answer, for which all other questions wait, never comes: its machine dies.
    outside.world.faults.append(Fault("openai", seconds=600))
    died = machine("machine-0", "build", "--date", DAYS[0])
    wait_until(lambda: outside.world.faults[0].times == 0)
    waiting = machine("machine-1", "build", "--date", DAYS[0])
    assert waiting.stdout
    lines = iter(waiting.stdout.readline, "")
    assert any(f"another run holds {DAYS[0]}: waiting for it to end" in line for line in lines)
    assert outside.calls().total() == 1
    died.kill()
    died.communicate()
    output = waiting.communicate()[0]
    assert waiting.returncode == 0, output
    assert outside.calls().total() == answers()
    rows = json.loads(papers("costs", "--json").stdout)["rows"]
    # The question that was under way counts as paid for.
    assert sum(row["calls"] for row in rows) == answers() + 1
    assert sum(row["unsettled"] for row in rows) == 1


def answers() -> int:
    """How many answers of models are stored."""
    folder = load_settings().data / "purchases"
    found = 0
    for name in storage.listing(folder):
        entry = json.loads(storage.read(folder / name) or b"")
        found += "models" in entry["provenance"]
    return found
