"""Builds days in this process, on a Dagster instance in memory."""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest
from filelock import FileLock

from papers_pipeline import definitions
from papers_pipeline.base.clock import FixedClock
from papers_pipeline.base.per_paper import NullProgress
from papers_pipeline.defs.partitions import DAILY
from papers_pipeline.prompts.prompt import PACKAGED
from papers_pipeline.records import DailyIssue, Record
from papers_pipeline.runner import DayReport, Runner
from papers_pipeline.settings import Settings, load_settings
from papers_pipeline.store.lake import Lake


class Notes(NullProgress):
    """A watcher that keeps what it receives."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def day(self, day: date, part: str, number: int, days: int) -> None:
        self.notes.append(f"{day} {part}")

    def note(self, message: str) -> None:
        self.notes.append(message)


class Pipeline:
    """The pipeline of a test. A build after a changed setting or prompt loads everything anew."""

    def __init__(self, clock: FixedClock, instance: dg.DagsterInstance) -> None:
        self.clock = clock
        self.instance = instance
        self.watcher = Notes()
        self._settings: Settings | None = None

    def build(
        self, *days: str, only: tuple[str, ...] = (), at: str | None = None
    ) -> list[DayReport]:
        """Build the days at a given time, or an hour after the last build."""
        runner = self._runner(at)
        dates = [date.fromisoformat(day) for day in days]
        if only:
            return runner.build_only(dates, only)
        return runner.build(dates)

    def build_day(self, day: str, at: str | None = None) -> DayReport:
        """Build all assets of one day, without its month, its week and the index: half the time."""
        runner = self._runner(at)
        (report,) = runner.build_only([date.fromisoformat(day)], runner.day_assets)
        return report

    def _runner(self, at: str | None) -> Runner:
        self.clock.moment += timedelta(hours=1)
        if at:
            self.clock.moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
        self.watcher.notes.clear()
        settings = load_settings()
        if settings != self._settings or settings.prompts_dir:
            self._settings = settings
            self._loaded = Runner(settings, self.instance, self.clock, self.watcher)
        return self._loaded

    def run_job(
        self, name: str, partition: str | None = None, run_config: Mapping[str, Any] | None = None
    ) -> dg.ExecuteInProcessResult:
        """Run one of the project's jobs; a failure is in the result."""
        job = definitions.load(self.clock, self.watcher).resolve_job_def(name)
        return job.execute_in_process(
            instance=self.instance,
            partition_key=partition,
            run_config=run_config,
            raise_on_error=False,
        )

    @property
    def data(self) -> Path:
        return Path(os.environ["PAPERS_DATA_DIR"])

    @property
    def site(self) -> Path:
        return self.data / "site"

    @property
    def lake(self) -> Lake:
        return Lake(load_settings().data / "lake")

    def rows(self, asset: str, day: str) -> list[Any]:
        """The stored rows of an asset."""
        return self.lake.read(asset, day, Record) or []

    def issue(self, day: str) -> DailyIssue:
        return self.rows("daily_issue", day)[0]

    def page(self, day: str, language: str = "en") -> str:
        return (self.site / language / "d" / f"{day}.html").read_text(encoding="utf-8")

    def json(self, day: str) -> dict[str, Any]:
        return json.loads((self.site / "d" / f"{day}.json").read_text(encoding="utf-8"))

    def files(self) -> dict[str, bytes]:
        """Every file of the site, except the search index, which is never the same twice."""
        files = {}
        for path in self.site.rglob("*"):
            if path.is_file() and self.site / "pagefind" not in path.parents:
                files[str(path.relative_to(self.site))] = path.read_bytes()
        return files

    def times(self) -> dict[Path, int]:
        """The modification time of everything below the site, search index included."""
        return {path: path.stat().st_mtime_ns for path in self.site.rglob("*")}

    def versions(self, *assets: str, day: str) -> dict[str, str]:
        """The data version of the newest materialization of each asset."""
        found = {}
        for asset in assets:
            filtered = dg.AssetRecordsFilter(dg.AssetKey(asset), asset_partitions=[day])
            (event,) = self.instance.fetch_materializations(filtered, limit=1).records
            found[asset] = event.asset_materialization.tags["dagster/data_version"]
        return found

    def stale(self, day: str) -> set[str]:
        """The assets whose partition Dagster calls stale."""
        graph = definitions.load().resolve_asset_graph()
        # Dagster has no public way to ask for the status that its UI shows.
        loading = LoadingContextForTest(self.instance)
        resolver = CachingStaleStatusResolver(self.instance, graph, loading)
        found = set()
        for key in graph.toposorted_asset_keys:
            is_daily = graph.get(key).partitions_def == DAILY
            if is_daily and resolver.get_status(key, day) == StaleStatus.STALE:
                found.add(key.to_user_string())
        return found


def changed(before: dict[str, bytes], after: dict[str, bytes]) -> set[str]:
    """The paths of the files that came, went or differ."""
    return {path for path in before | after if before.get(path) != after.get(path)}


def overlay_prompt(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, old: str, new: str
) -> None:
    """Lay a changed copy of a packaged prompt file over it: `old` is replaced once by `new`."""
    prompts = folder / "prompts"
    prompts.mkdir(exist_ok=True)
    text = (PACKAGED / name).read_text(encoding="utf-8")
    assert old in text
    (prompts / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    monkeypatch.setenv("PAPERS_PROMPTS_DIR", str(prompts))


def build_once(pipeline: Pipeline, stored: Path, build: Callable[[], None]) -> None:
    """Fill the test's data folder by `build`, or by a copy if an earlier test has built it.

    The workers share it. A copy brings no Dagster events, so ask no staleness of it.
    """
    stored.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{stored}.lock"):
        if stored.exists():
            shutil.copytree(stored, pipeline.data)
            return
        build()
        unfinished = stored.with_suffix(".unfinished")
        shutil.copytree(pipeline.data, unfinished)
        unfinished.rename(stored)
