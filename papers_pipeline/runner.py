"""Build days through Dagster in this process: the lists first, then everything made from them, then what other days and
the site have to say of it."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

import dagster as dg

from papers_pipeline import definitions, home
from papers_pipeline.base.clock import Clock
from papers_pipeline.base.errors import OperatorError
from papers_pipeline.base.per_paper import Counts, Progress
from papers_pipeline.defs.partitions import DAILY
from papers_pipeline.issue.links import days_with_stale_links
from papers_pipeline.listing.days import latest_days
from papers_pipeline.llm.chain import Spent
from papers_pipeline.records import DailyIssue, Paper
from papers_pipeline.runs import first_error
from papers_pipeline.settings import Settings
from papers_pipeline.site.periods import affected_periods
from papers_pipeline.store.lake import Lake

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
FEED = "feed"
FAILED_STATES = ("shrunk", "failed")


class Watcher(Progress, Protocol):
    """Told of days as they begin, beside every stage and paper."""

    def day(self, day: date, part: str, number: int, days: int) -> None: ...


@dataclass
class DayReport:
    """What a build made of one day. ``closed`` says of each model that was not asked any more why."""

    date: date
    state: str | None = None
    papers: int = 0
    error: str | None = None
    assets: dict[str, Counts] = field(default_factory=dict)
    spent: dict[str, Spent] = field(default_factory=dict)
    closed: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def failed(self) -> bool:
        """Whether the day counts as failed for exit statuses."""
        return self.error is not None or self.state in FAILED_STATES


class AbsentInput(OperatorError):
    """An asset was asked for alone whose input was never built; the message names the command that builds it."""


class Runner:
    """Builds days with the definitions and the instance of the settings."""

    def __init__(
        self, settings: Settings, instance: dg.DagsterInstance, clock: Clock, watcher: Watcher
    ) -> None:
        self._settings = settings
        self._instance = instance
        self._clock = clock
        self._watcher = watcher
        self._defs = definitions.load(clock, watcher)
        self._job = self._defs.resolve_job_def("build_day")
        self._graph = self._defs.resolve_asset_graph()
        self.lake = Lake(settings.data / "lake")

    @property
    def day_assets(self) -> list[str]:
        """The assets of a day, in the order in which they are built."""
        daily = [
            key
            for key in self._graph.toposorted_asset_keys
            if self._graph.get(key).partitions_def == DAILY
        ]
        return [key.to_user_string() for key in daily]

    def latest(self) -> date | None:
        """The newest day, at most 14 back, whose list has a paper; the lists are asked on the way."""
        for day in latest_days(self._clock):
            report = DayReport(day)
            self._run(report, self._of_group(FEED))
            if report.error is None and self.lake.read("feed_listing", day.isoformat(), Paper):
                return day
        return None

    def build(
        self, days: Sequence[date], before_buying: Callable[[], None] = lambda: None
    ) -> list[DayReport]:
        """Build every asset of the days, then the pages of other days that they touch, then the site.

        A day that fails does so alone. The lists of all days come first, so that papers on two days find each other;
        ``before_buying`` is called when they are known, and stops the build by raising.
        """
        reports = [DayReport(day) for day in days]
        rest = [asset for asset in self.day_assets if asset not in self._of_group(FEED)]
        for report in self._each(reports, "list"):
            self._run(report, self._of_group(FEED))
        before_buying()
        for report in self._each([report for report in reports if report.error is None], "digest"):
            self._run(report, rest)
            self._read_state(report)
        built = [report.date for report in reports if report.error is None]
        linked = days_with_stale_links(self.lake, built)
        for day in linked:
            self._watcher.note(f"{day}: its links to other days changed")
            self._run(DayReport(day), ["daily_issue", "daily_pages"])
        self.build_site([*built, *linked])
        return reports

    def build_only(self, days: Sequence[date], assets: Sequence[str]) -> list[DayReport]:
        """Build these assets of the days and nothing else. Raises AbsentInput before anything is run."""
        for day in days:
            self._require_inputs(day, assets)
        reports = [DayReport(day) for day in days]
        for report in self._each(reports, ", ".join(assets)):
            self._run(report, assets)
            self._read_state(report)
        return reports

    def refresh(self, assets: Mapping[str, Sequence[str]]) -> list[DayReport]:
        """Build these days of each asset, `{asset: days}`, and then the site."""
        days = sorted({day for days in assets.values() for day in days})
        reports = [DayReport(date.fromisoformat(day)) for day in days]
        for report in self._each(reports, "refresh"):
            self._run(
                report,
                [asset for asset in self.day_assets if str(report.date) in assets.get(asset, ())],
            )
            self._read_state(report)
        self.build_site([report.date for report in reports])
        return reports

    def build_site(self, days: Sequence[date]) -> None:
        """Rebuild what names more than one day: the months and weeks that ``days`` touch, then the index."""
        today = self._clock.today()
        for span in [
            *affected_periods(self.lake, "month", days, today),
            *affected_periods(self.lake, "week", days, today),
        ]:
            self._run_site(f"build_{span.kind}", span.first.isoformat())
        self._run_site("build_site")

    def _run_site(self, job: str, partition: str | None = None) -> None:
        self._defs.resolve_job_def(job).execute_in_process(
            instance=self._instance, partition_key=partition, run_config=QUIET
        )

    def _each(self, reports: Sequence[DayReport], part: str) -> Iterator[DayReport]:
        for number, report in enumerate(reports, 1):
            self._watcher.day(report.date, part, number, len(reports))
            yield report

    def _of_group(self, group: str) -> list[str]:
        return [
            name
            for name in self.day_assets
            if self._graph.get(dg.AssetKey(name)).group_name == group
        ]

    def _run(self, report: DayReport, assets: Iterable[str]) -> None:
        started = time.perf_counter()
        result = self._job.execute_in_process(
            instance=self._instance,
            partition_key=report.date.isoformat(),
            asset_selection=[dg.AssetKey(name) for name in assets],
            run_config=QUIET,
            raise_on_error=False,
        )
        for event in result.get_asset_materialization_events():
            name = event.asset_key.to_user_string() if event.asset_key else ""
            metadata: dict[str, Any] = {
                key: value.value for key, value in event.materialization.metadata.items()
            }
            if counts := {
                key: metadata[key] for key in Counts.__dataclass_fields__ if key in metadata
            }:
                report.assets[name] = Counts(**counts)
            if spent := {
                key: metadata[key] for key in Spent.__dataclass_fields__ if key in metadata
            }:
                report.spent[name] = Spent(**spent)
        for check in result.get_asset_check_evaluations():
            if check.check_name == "providers_answer":
                report.closed |= {model: str(why.value) for model, why in check.metadata.items()}
        if not result.success:
            report.error = first_error(result.all_events)
        report.seconds = round(report.seconds + time.perf_counter() - started, 3)

    def _read_state(self, report: DayReport) -> None:
        issues = self.lake.read("daily_issue", report.date.isoformat(), DailyIssue)
        if issues and report.error is None:
            report.state, report.papers = issues[0].state, issues[0].counts.papers

    def _require_inputs(self, day: date, assets: Sequence[str]) -> None:
        for name in assets:
            node = self._graph.get(dg.AssetKey(name))
            inputs = [key.to_user_string() for key in node.parent_keys]
            optional = [
                it.name
                for it in node.assets_def.op.input_defs
                if it.metadata.get("allow_missing_partitions")
            ]
            absent = [
                parent
                for parent in inputs
                if parent not in assets
                and parent not in optional
                and not self.lake.path(parent, day.isoformat()).exists()
            ]
            if absent:
                raise AbsentInput(
                    f"{name} {day} needs {', '.join(sorted(absent))}, never built for that day: "
                    f"papers build --date {day} --only {' '.join(sorted(absent))}"
                )


@contextmanager
def runner(settings: Settings, clock: Clock, watcher: Watcher) -> Iterator[Runner]:
    """A runner on this machine's instance."""
    with home.instance(settings) as instance:
        yield Runner(settings, instance, clock, watcher)
