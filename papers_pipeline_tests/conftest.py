"""Every test has its own folder, settings, Dagster home and outside world."""

import gc
import os
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from filelock import FileLock

from papers_pipeline import home
from papers_pipeline.base.clock import FixedClock
from papers_pipeline.sandbox.server import running
from papers_pipeline.sandbox.world import World
from papers_pipeline.settings import load_settings, setting_names
from papers_pipeline_tests.helpers.building import Notes, Pipeline, build_once
from papers_pipeline_tests.helpers.outside import LONG_AGO, Outside, entry, kettles
from papers_pipeline_tests.helpers.programs import missing

# Dagster's definitions are half a million objects: with Python's own threshold, the collector takes
# a sixth of the time of all tests.
gc.set_threshold(100_000, 50, 100)

# The names that the tests of single packages import from here.
__all__ = ["LONG_AGO", "Notes", "Outside", "Pipeline", "entry"]

collect_ignore_glob = [] if os.environ.get("PAPERS_REAL_DATA") else ["*test_real_*.py"]


def pytest_xdist_auto_num_workers() -> int:
    """Two workers more than processors: a third of the tests' time is waiting."""
    return (os.cpu_count() or 1) + 2


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fail, rather than skip, a test whose programs are not installed."""
    for marker in item.iter_markers("programs"):
        message = missing(marker.args)
        if message:
            pytest.fail(message, pytrace=False)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say at how many steps, and in which ways, the tests of faults let builds go wrong."""
    counts: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            counts.update(dict(getattr(report, "user_properties", ())).get("faults", {}))
    if counts:
        found = ", ".join(f"{name}: {number}" for name, number in sorted(counts.items()))
        terminalreporter.write_line(f"faults at {found}")


@pytest.fixture(autouse=True)
def own_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the environment, and no `.env`, reaches a test."""
    for name in setting_names():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PAPERS_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Outside]:
    """A sandbox without lists, and the settings that lead to it."""
    world = World(folder=tmp_path / "outside", now=LONG_AGO)
    with running(world) as url:
        monkeypatch.setenv("HF_ENDPOINT", url)
        monkeypatch.setenv("ARXIV_ENDPOINT", url)
        monkeypatch.setenv("PAPERS_ARXIV_REQUESTS_PER_SECOND", "1000")
        yield Outside(world, url)


@pytest.fixture
def instance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shared: Path
) -> Iterator[dg.DagsterInstance]:
    """A Dagster instance in the test's folder, which stays open for commands run in this process.

    Its empty databases are a copy: making them takes longer than many a test.
    """
    prepared = shared / "home"
    prepared.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{prepared}.lock"):
        if not prepared.exists():
            with home.instance(load_settings()):
                pass
            (tmp_path / "home").rename(prepared)
    shutil.copytree(prepared, tmp_path / "home")
    with home.instance(load_settings()) as made:
        monkeypatch.setattr(home, "instance", lambda settings: nullcontext(made))
        yield made


@pytest.fixture
def pipeline(outside: Outside, instance: dg.DagsterInstance) -> Pipeline:
    return Pipeline(FixedClock(LONG_AGO), instance)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder that all workers of this session have in common."""
    own = tmp_path_factory.getbasetemp()
    return (own if worker_id == "master" else own.parent) / "shared"


@pytest.fixture
def bought(
    outside: Outside, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, shared: Path
) -> Pipeline:
    """2026-03-02 with two papers about kettles, all texts by models, nothing left to ask for."""
    day = "2026-03-02"
    outside.list(day, kettles(1, 2))
    outside.offer(monkeypatch)
    build_once(pipeline, shared / "bought", lambda: pipeline.build_day(day, at="2026-03-20T11:00"))
    outside.calls()
    return pipeline
