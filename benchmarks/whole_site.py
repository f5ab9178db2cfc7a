"""The pages of 558 days and after one day changed, against writing the same bytes to files.

Cards and the search index are left out.
"""

import shutil
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal

from upath import UPath

from benchmarks.bench import Bench
from benchmarks.generated import LANGUAGES, issues
from benchmarks.table import Row
from papers_pipeline.records import DailyIssue, PeriodFile, SiteFile
from papers_pipeline.site.day_pages import write_day
from papers_pipeline.site.index import write_index_pages
from papers_pipeline.site.parts.paper_page import PaperPage
from papers_pipeline.site.period_pages import write_period
from papers_pipeline.site.periods import Span, affected_periods, neighbours_of, period_of
from papers_pipeline.site.render import IMAGE_SOURCES, Renderer
from papers_pipeline.site.version import PACKAGE
from papers_pipeline.site.writer import Site
from papers_pipeline.store import files as storage
from papers_pipeline.store.lake import Lake, encode
from papers_pipeline.text.locales import load_locales

DAYS, PAPERS = 558, 18


class Writers:
    """Runs the site's writers in the order of a build."""

    def __init__(
        self,
        folder: Path,
        site_url: str | None = "https://papers.example",
        image_sources: Sequence[str] = IMAGE_SOURCES,
    ) -> None:
        self.lake = Lake(UPath(folder) / "lake")
        self.folder = folder / "site"
        locales = load_locales(PACKAGE / "locales", LANGUAGES)
        renderer = Renderer(LANGUAGES, locales, site_url, image_sources=image_sources, cards=False)
        self.site = Site(UPath(self.folder), renderer)
        self.index: dict[str, SiteFile] = {}

    def write(self, built: list[DailyIssue]) -> float:
        """Write the days, their months and weeks and the index; returns the seconds."""
        started = time.perf_counter()
        for issue in built:
            path = self.lake.path("daily_issue", str(issue.date))
            storage.write(path, encode([issue], DailyIssue))
        for issue in built:
            write_day(self.site, issue, [PaperPage(issue.date, paper) for paper in issue.papers])
        self._write_periods([issue.date for issue in built])
        _, files, _ = write_index_pages(self.site, self.lake, self.index)
        self.index = {file.path: file for file in files}
        return time.perf_counter() - started

    def _write_periods(self, days: list[date]) -> None:
        """Write the pages of all months and weeks that the days affect."""
        kinds: tuple[tuple[Literal["month", "week"], str], ...]
        kinds = (("month", "monthly_pages"), ("week", "weekly_pages"))
        for kind, asset in kinds:
            for span in affected_periods(self.lake, kind, days, date.max):
                neighbours = neighbours_of(self.lake, span)
                period = period_of(span, self._issues_in(span), date.max, neighbours)
                files, _ = write_period(self.site, period)
                path = self.lake.path(asset, span.first.isoformat())
                storage.write(path, encode(files, PeriodFile))

    def _issues_in(self, span: Span) -> list[DailyIssue]:
        issues: list[DailyIssue] = []
        for day in self.lake.partitions("daily_issue"):
            if str(span.first) <= day <= str(span.last):
                issues += self.lake.read("daily_issue", day, DailyIssue) or []
        return issues


def _rewritten(issue: DailyIssue) -> DailyIssue:
    """The issue with a new Russian slogan and text for its first paper. Many pages show them."""
    paper = issue.papers[0]
    changes = {
        "title": "Новый заголовок",
        "text": "Новый текст. " * 20,
        "created_at": datetime.now(UTC),
    }
    text = paper.summaries["ru"].model_copy(update=changes)
    changed = paper.model_copy(update={"summaries": paper.summaries | {"ru": text}})
    return issue.model_copy(update={"papers": [changed, *issue.papers[1:]]})


def site_rows(bench: Bench) -> Iterator[Row]:
    """All pages, then those of an old day and of the newest day that changed, then no change."""
    writers = Writers(bench.new_folder("site"))
    built = list(issues(DAYS, PAPERS))
    old, newest = built[DAYS // 2], built[-1]
    steps: tuple[tuple[str, list[DailyIssue]], ...] = (
        (f"site of {DAYS} days, {PAPERS} papers each", built),
        ("site, an old day changed", [_rewritten(old)]),
        ("site, the newest day changed", [_rewritten(newest)]),
        ("site, nothing changed", []),
    )
    for name, changed in steps:
        started_ns = time.time_ns()
        seconds = writers.write(changed)
        files = [path for path in writers.folder.rglob("*") if path.is_file()]
        written = [path for path in files if path.stat().st_mtime_ns >= started_ns]
        row = Row(name, "writing the bytes of the catalogue and of the changed files")
        catalogue = writers.folder.parent / "lake" / "catalogue.json"
        row.add(seconds, write_seconds([*written, catalogue], writers.folder.parent / "copy"))
        row.facts |= {"files": len(files), "changed": len(written)}
        yield row


def write_seconds(paths: Sequence[Path], target: Path) -> float:
    """The seconds to write the bytes of files, which are read before, to new files."""
    contents = [path.read_bytes() for path in paths]
    target.mkdir()
    started = time.perf_counter()
    for number, content in enumerate(contents):
        (target / str(number)).write_bytes(content)
    seconds = time.perf_counter() - started
    shutil.rmtree(target)
    return seconds
