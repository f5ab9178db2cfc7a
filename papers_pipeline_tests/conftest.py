"""Every test has a folder, an environment and a Dagster home of its own, and an outside world on loopback."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from dagster._core.storage.event_log.sqlite import sqlite_event_log
from dagster._core.storage.runs.sqlite import sqlite_run_storage
from dagster._core.storage.schedules.sqlite import sqlite_schedule_storage

from papers_pipeline.base.clock import FixedClock
from papers_pipeline.base.per_paper import Silence
from papers_pipeline.records import DailyIssue, Record
from papers_pipeline.sandbox.server import running
from papers_pipeline.sandbox.world import World
from papers_pipeline.settings import load_settings, setting_names
from papers_pipeline.store.lake import Lake
from papers_pipeline_tests.helpers.programs import missing

collect_ignore_glob = [] if os.environ.get("PAPERS_REAL_DATA") else ["*test_real_*.py"]

LONGEST = ("test_week", "test_models", "test_publishing")
"""The modules whose tests take a minute and more."""

LONG_AGO = datetime(2026, 3, 20, 12, 0, tzinfo=UTC)
"""The tests' present: after every day that they build, unless they say otherwise."""


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: builds wait for locks, limits and other processes."""
    return (os.cpu_count() or 1) + 1


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fail, rather than skip, a test whose programs are not installed."""
    for marker in item.iter_markers("programs"):
        message = missing(marker.args)
        if message:
            pytest.fail(message, pytrace=False)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest first, so that at the end no worker is alone with one of them."""
    items.sort(key=lambda item: item.path.stem not in LONGEST)


@sqlalchemy.event.listens_for(sqlalchemy.Engine, "connect")
def hurry(connection: Any, _: Any) -> None:
    """Dagster opens its databases anew for every event: a test's need not outlive a power cut."""
    connection.execute("PRAGMA synchronous = OFF")


def keep_engines() -> None:
    """And makes an engine for each of them, which costs more than the connection (Dagster 1.13)."""
    engines: dict[str, sqlalchemy.Engine] = {}

    def kept(url: str, **options: Any) -> sqlalchemy.Engine:
        if url not in engines:
            engines[url] = sqlalchemy.create_engine(url, **options)
        return engines[url]

    for storage in (sqlite_event_log, sqlite_run_storage, sqlite_schedule_storage):
        storage.create_engine = kept


keep_engines()


@pytest.fixture(autouse=True)
def own_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the environment, and no `.env`, reaches a test."""
    for name in setting_names():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PAPERS_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.chdir(tmp_path)


def entry(arxiv_id: str, **changes: Any) -> dict[str, Any]:
    """An entry of the list, as the API gives it; ``changes`` replace or, when None, remove keys of its paper."""
    paper = {
        "id": arxiv_id,
        "authors": [{"_id": "0" * 24, "name": "Ada Example", "hidden": False}],
        "publishedAt": "2026-03-01T09:30:00.000Z",
        "submittedOnDailyAt": "2026-03-02T00:00:00.000Z",
        "title": f"A Study of {arxiv_id}",
        "summary": f"We study the number {arxiv_id} and find that it is a number.",
        "upvotes": 7,
        "discussionId": "1" * 24,
    }
    paper = {name: value for name, value in (paper | changes).items() if value is not None}
    return {
        "paper": paper,
        "publishedAt": "2026-03-01T09:30:00.000Z",
        "title": paper.get("title"),
        "thumbnail": f"https://cdn-thumbnails.huggingface.co/social-thumbnails/papers/{arxiv_id}.png",
        "numComments": 2,
        "isAuthorParticipating": False,
    }


@dataclass
class Outside:
    """The outside world of a test: a sandbox that serves the lists it is given."""

    world: World
    url: str

    def list(self, day: str, entries: list[dict[str, Any]]) -> None:
        """Make this the list of a day."""
        path = self.world.folder / "hf_api" / f"{day}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(entries), encoding="utf-8")

    def offer(
        self,
        monkeypatch: pytest.MonkeyPatch,
        *providers: str,
        key: str | None = "a-key-of-the-test",
    ) -> None:
        """Configure these providers, or all three, with a key or, where it is None, with a base URL alone."""
        bases = {"openai": "/openai/v1", "mistral": "/mistral", "anthropic": "/anthropic"}
        for name in providers or bases:
            monkeypatch.setenv(f"{name.upper()}_BASE_URL", f"{self.url}{bases[name]}")
            if key:
                monkeypatch.setenv(f"{name.upper()}_API_KEY", key)


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Outside]:
    world = World(folder=tmp_path / "outside", now=LONG_AGO)
    with running(world) as url:
        monkeypatch.setenv("HF_ENDPOINT", url)
        monkeypatch.setenv("ARXIV_ENDPOINT", url)
        monkeypatch.setenv("PAPERS_ARXIV_REQUESTS_PER_SECOND", "1000")
        yield Outside(world, url)


class Notes(Silence):
    """A watcher that keeps what it was told."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def day(self, day: date, part: str, number: int, days: int) -> None:
        self.notes.append(f"{day} {part}")

    def note(self, message: str) -> None:
        self.notes.append(message)


class Pipeline:
    """The pipeline of a test: builds days in this process on the settings that the environment names at that moment."""

    def __init__(self, clock: FixedClock) -> None:
        self.clock = clock

    def build(
        self, *days: str, only: tuple[str, ...] = (), at: str | None = None
    ) -> list["DayReport"]:  # noqa: F821
        """Build the days, at a given time or an hour after the last build."""
        from papers_pipeline.runner import runner

        self.clock.moment += timedelta(hours=1)
        if at:
            self.clock.moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
        self.watcher = Notes()
        with runner(load_settings(), self.clock, self.watcher) as builder:
            wanted = [date.fromisoformat(day) for day in days]
            return builder.build_only(wanted, only) if only else builder.build(wanted)

    @property
    def site(self) -> Path:
        return Path(os.environ["PAPERS_DATA_DIR"]) / "site"

    def rows(self, asset: str, day: str) -> list[Any]:
        """The stored rows of an asset."""
        return Lake(load_settings().data / "lake").read(asset, day, Record) or []

    def issue(self, day: str) -> DailyIssue:
        return self.rows("daily_issue", day)[0]

    def page(self, day: str, language: str = "en") -> str:
        return (self.site / language / "d" / f"{day}.html").read_text(encoding="utf-8")

    def json(self, day: str) -> dict[str, Any]:
        return json.loads((self.site / "d" / f"{day}.json").read_text(encoding="utf-8"))

    def files(self) -> dict[str, bytes]:
        """Every file of the site and its bytes, but for the index of the search, which differs each time."""
        paths = (
            path
            for path in self.site.rglob("*")
            if path.is_file() and self.site / "pagefind" not in path.parents
        )
        return {str(path.relative_to(self.site)): path.read_bytes() for path in paths}


@pytest.fixture
def pipeline(outside: Outside) -> Pipeline:
    return Pipeline(FixedClock(LONG_AGO))
