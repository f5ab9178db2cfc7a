"""Two machines with one data folder and one database build days as one machine does."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from papers_pipeline.settings import load_settings
from papers_pipeline.store.lake import Lake
from papers_pipeline_tests.helpers.outside import Outside, kettles
from papers_pipeline_tests.helpers.postgres import Server
from papers_pipeline_tests.helpers.terminal import PAPERS, papers

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


@pytest.mark.slow
@pytest.mark.programs("initdb")
@pytest.mark.parametrize("days", [(DAYS[0], DAYS[0]), DAYS], ids=["same day", "same papers"])
def test_nothing_is_bought_twice_and_the_ledger_has_every_call(
    outside: Outside, server: Server, monkeypatch: pytest.MonkeyPatch, days: tuple[str, str]
):
    for day in set(days):
        outside.list(day, kettles(1, 2, 3))
    outside.offer(monkeypatch)
    monkeypatch.setenv("PAPERS_COORDINATION_URL", server.new_database())
    assert papers("setup-coordination").exit_code == 0
    builds = [
        machine(f"machine-{number}", "build", "--date", day) for number, day in enumerate(days)
    ]
    outputs = [build.communicate()[0] for build in builds]
    assert [build.returncode for build in builds] == [0, 0], outputs
    calls = outside.calls().total()
    entries = list((load_settings().data / "purchases").glob("*/*/*.json"))
    answers = [path for path in entries if "models" in json.loads(path.read_bytes())["provenance"]]
    assert calls == len(answers) > 0
    rows = json.loads(papers("costs", "--json").stdout)["rows"]
    assert sum(row["calls"] for row in rows) == calls
    assert Lake(load_settings().data / "lake").partitions("daily_issue") == sorted(set(days))
