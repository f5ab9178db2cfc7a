"""Builds days through Dagster in this process: the lists first, then everything made from them,
then other days whose links changed, then the site."""

import gc
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

import dagster as dg

from papers_pipeline import definitions, home
from papers_pipeline.base.clock import Clock
from papers_pipeline.base.errors import OperatorError
from papers_pipeline.base.per_paper import Counts, RunWatcher
from papers_pipeline.defs.checks import PROVIDERS_ANSWER
from papers_pipeline.defs.partitions import DAILY
from papers_pipeline.defs.tables import read_counts, read_spent
from papers_pipeline.enrichment.plan import BUILT_WITH
from papers_pipeline.issue.links import days_with_stale_links, near
from papers_pipeline.issue.shown import assets_shown
from papers_pipeline.listing.days import latest_days
from papers_pipeline.llm.spent import Spent
from papers_pipeline.records import DailyIssue, Paper
from papers_pipeline.runs import execute, first_error
from papers_pipeline.settings import Settings
from papers_pipeline.site.completion import is_complete, remember
from papers_pipeline.site.periods import affected_periods
from papers_pipeline.store import files as storage
from papers_pipeline.store.lake import Lake, scan
from papers_pipeline.wiring import WORKERS, site_of, viewed

FEED = "feed"
MADE_WITHOUT_MODELS = ("daily_issue", "related_papers", "daily_pages")
"""The assets of a day that are made from its other tables, at no cost."""
MADE_FROM_RESPONSES = ("feed_listing", "paper_votes")
"""The assets of a day that are made from the stored lists alone."""
FAILED_STATES = ("shrunk", "failed")


class Watcher(RunWatcher, Protocol):
    """Also receives the beginning of each day, and notes about no single run."""

    def day(self, day: date, part: str, number: int, days: int) -> None: ...

    def note(self, message: str) -> None: ...


@dataclass
class DayReport:
    """The result of building one day. `closed` maps the models that are not asked any more to the
    reason."""

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


class SiteFailed(OperatorError):
    """The days are built, but a page that spans days is not. Names the job and the error."""


class AbsentInput(OperatorError):
    """An asset was requested alone but its input was never built. Names the command to build it."""


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
        self._site = site_of(settings)
        self.lake = Lake(settings.data / "lake")

    @property
    def day_assets(self) -> list[str]:
        """The assets of a day, in the order in which they are built."""
        names = []
        for key in self._graph.toposorted_asset_keys:
            if self._graph.get(key).partitions_def == DAILY:
                names.append(key.to_user_string())
        return names

    def latest(self) -> date | None:
        """The newest day, at most 14 back, whose list has a paper. Fetches the lists on the way."""
        for day in latest_days(self._clock):
            report = DayReport(day)
            self._run(report, self._feed_assets())
            if report.error is None and self.lake.read("feed_listing", day.isoformat(), Paper):
                return day
        return None

    def build(
        self, days: Sequence[date], before_buying: Callable[[], None] = lambda: None
    ) -> list[DayReport]:
        """Build every asset of the days, then other days whose links changed, then the site.

        One failed day does not stop the others. The lists of all days come first, so that papers on
        two days find each other. `before_buying` is called after them; it stops the build by
        raising.
        """
        reports = [DayReport(day) for day in days]
        feed_assets = self._feed_assets()
        other_assets = [asset for asset in self.day_assets if asset not in feed_assets]
        self._each(reports, "list", lambda report: self._run(report, feed_assets))
        before_buying()
        if days:
            self._mend_lists(near(days))
        mended = self._mend_other_days(days)
        listed = [report for report in reports if report.error is None]
        self._each(listed, "digest", lambda report: self._build(report, other_assets))
        built = [report.date for report in reports if report.error is None]
        relinked = days_with_stale_links(self.lake, built)
        for day in relinked:
            self._watcher.note(f"{day}: its links to other days changed")
            self._run(DayReport(day), [*self._lost(day), "daily_issue", "daily_pages"])
        self.build_site([*built, *relinked, *mended])
        return reports

    def read_days(
        self, days: Sequence[date], before_reading: Callable[[], None] = lambda: None
    ) -> list[DayReport]:
        """Build the lists of the days and the texts of their PDFs, which models are asked about.

        `before_reading` is called after the lists, as by `build`.
        """
        reports = [DayReport(day) for day in days]
        feed_assets = self._feed_assets()
        self._each(reports, "list", lambda report: self._run(report, feed_assets))
        before_reading()
        listed = [report for report in reports if report.error is None]
        texts = BUILT_WITH["parsed_text"]
        self._each(listed, "papers", lambda report: self._run(report, texts))
        return reports

    def build_only(self, days: Sequence[date], assets: Sequence[str]) -> list[DayReport]:
        """Build only these assets of the days. Raises AbsentInput before anything runs."""
        for day in days:
            for asset in assets:
                self._require_inputs(day, asset, assets)
        reports = [DayReport(day) for day in days]
        self._each(reports, ", ".join(assets), lambda report: self._build(report, assets))
        return reports

    def refresh(self, assets: Mapping[str, Sequence[str]]) -> list[DayReport]:
        """Build these days of each asset, `{asset: days}`, and then the site.

        A day that has lost other tables gets them back: without them, its pages would lose texts.
        """
        days = sorted({day for asset_days in assets.values() for day in asset_days})
        reports = [DayReport(date.fromisoformat(day)) for day in days]

        def refresh_day(report: DayReport) -> None:
            day = str(report.date)
            wanted = [name for name in self.day_assets if day in assets.get(name, ())]
            self._build(report, {*wanted, *self._lost(report.date)})

        self._each(reports, "refresh", refresh_day)
        self.build_site([report.date for report in reports])
        return reports

    def _mend_lists(self, is_meant: Callable[[date], bool] = lambda day: True) -> None:
        """Make the lists of built days again that are lost or damaged, from their responses.

        Papers of several days find each other there: without one of the lists, their pages would
        seem to be another day's, and go.
        """
        built = set(self.lake.partitions("daily_issue"))
        known = built.intersection(self.lake.partitions("feed_response"))
        meant = sorted(day for day in known if is_meant(date.fromisoformat(day)))
        for asset in MADE_FROM_RESPONSES:
            readable = scan(self.lake, asset, meant, ("arxiv_id",))
            for day in meant:
                if day not in readable:
                    self._watcher.note(f"{day}: made again after its loss: {asset}")
                    self._run(DayReport(date.fromisoformat(day)), [asset])

    def _mend_other_days(self, days: Collection[date]) -> list[date]:
        """Make the damaged tables of other days again that need no model; returns their days."""
        lost: dict[date, list[str]] = {}
        for asset in MADE_WITHOUT_MODELS:
            for partition in self.lake.lost(asset):
                lost.setdefault(date.fromisoformat(partition), []).append(asset)
        mended = [day for day in sorted(lost) if day not in days]
        for day in mended:
            self._watcher.note(f"{day}: made again after damage: {', '.join(lost[day])}")
            self._run(DayReport(day), [*self._lost(day), *MADE_WITHOUT_MODELS])
        return mended

    def _lost(self, day: date) -> list[str]:
        """The assets whose table a day has lost: damaged ones, and what its record still shows.

        Without them a new record would show less. They are made from purchases; what those have
        lost too is bought again.
        """
        partition = day.isoformat()
        shown = set()
        for issue in self.lake.read("daily_issue", partition, DailyIssue) or ():
            shown |= assets_shown(issue)
        lost = []
        for asset in self.day_assets:
            is_known = asset in shown or partition in self.lake.lost(asset)
            is_made_here = asset in (*MADE_WITHOUT_MODELS, *self._feed_assets())
            is_there = storage.exists(self.lake.path(asset, partition))
            if is_known and not is_made_here and not is_there:
                lost.append(asset)
        return lost

    def build_site(self, days: Sequence[date]) -> None:
        """Rebuild every page that spans several days: the months and weeks of `days`, the index.

        Does nothing if nothing changed since the last time. Raises SiteFailed.
        """
        today = self._clock.today()
        if is_complete(self._site, self.lake, days, today):
            return
        self._mend_lists()
        months = affected_periods(self.lake, "month", days, today)
        weeks = affected_periods(self.lake, "week", days, today)
        for span in [*months, *weeks]:
            self._run_site(f"build_{span.kind}", span.first.isoformat())
        self._run_site("build_site")
        remember(self._site, self.lake, today)

    def _run_site(self, job: str, partition: str | None = None) -> None:
        result = execute(self._defs.resolve_job_def(job), self._instance, partition)
        if not result.success:
            raise SiteFailed(f"{job} {partition or ''}: {first_error(result.all_events)}")

    def _each(
        self, reports: Sequence[DayReport], part: str, build: Callable[[DayReport], None]
    ) -> None:
        """Build the days in turn: Dagster's log handlers allow one run at a time in a process."""
        gc.freeze()
        for number, report in enumerate(reports, 1):
            self._watcher.day(report.date, part, number, len(reports))
            build(report)
            if number < len(reports):
                _collect_garbage(of_first=number == 1)
        gc.unfreeze()

    def _build(self, report: DayReport, assets: Iterable[str]) -> None:
        self._run(report, assets)
        self._read_state(report)

    def _feed_assets(self) -> list[str]:
        groups = {name: self._graph.get(dg.AssetKey(name)).group_name for name in self.day_assets}
        return [name for name, group in groups.items() if group == FEED]

    def _run(self, report: DayReport, assets: Iterable[str]) -> None:
        started = time.perf_counter()
        result = execute(self._job, self._instance, report.date.isoformat(), assets)
        self._read_events(report, result)
        report.seconds = round(report.seconds + time.perf_counter() - started, 3)

    def _read_events(self, report: DayReport, result: dg.JobExecutionResult) -> None:
        for event in result.get_asset_materialization_events():
            name = event.asset_key.to_user_string() if event.asset_key else ""
            metadata = event.materialization.metadata
            counts = read_counts(metadata)
            if counts:
                report.assets[name] = counts
            spent = read_spent(metadata)
            if spent:
                report.spent[name] = spent
        for check in result.get_asset_check_evaluations():
            if check.check_name == PROVIDERS_ANSWER:
                report.closed |= {model: str(why.value) for model, why in check.metadata.items()}
        if not result.success:
            report.error = first_error(result.all_events)

    def _read_state(self, report: DayReport) -> None:
        issues = self.lake.read("daily_issue", report.date.isoformat(), DailyIssue)
        if issues and report.error is None:
            report.state = issues[0].state
            report.papers = issues[0].counts.papers

    def _require_inputs(self, day: date, asset: str, chosen: Sequence[str]) -> None:
        """Raise AbsentInput if a required input of the asset is neither chosen nor stored."""
        node = self._graph.get(dg.AssetKey(asset))
        optional = set()
        for input_def in node.assets_def.op.input_defs:
            if input_def.metadata.get("allow_missing_partitions"):
                optional.add(input_def.name)
        absent = []
        for key in node.parent_keys:
            parent = key.to_user_string()
            is_stored = storage.exists(self.lake.path(parent, day.isoformat()))
            if parent not in chosen and parent not in optional and not is_stored:
                absent.append(parent)
        if absent:
            absent.sort()
            raise AbsentInput(
                f"{asset} {day} needs {', '.join(absent)}, never built for that day: "
                f"papers build --date {day} --only {' '.join(absent)}"
            )


def _collect_garbage(of_first: bool) -> None:
    """Free what a day leaves behind: its connections and results refer to each other in circles.

    Python's collector would come to them once in hundreds of days, since few objects are new beside
    the half million of the libraries. Those are left out: they are frozen before the first day, and
    what that day loaded after it.
    """
    gc.collect()
    if of_first:
        gc.freeze()


@contextmanager
def runner(settings: Settings, clock: Clock, watcher: Watcher) -> Iterator[Runner]:
    """A runner on this machine's instance."""
    # Workers take a second of a processor to start: the days of a build share them.
    with home.instance(settings) as instance, WORKERS, viewed(settings):
        yield Runner(settings, instance, clock, watcher)
