"""The time that the whole site takes and its size, then the time after one day changed.

    python -m benchmarks.site [DAYS [PAPERS]]

The changed day is an old one, then the newest. Cards and the search index are left out.
"""

import sys
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from upath import UPath

from benchmarks.generated import LANGUAGES, issues
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


class Bench:
    """Runs the site's writers in the order of a build and times each."""

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
        stored = time.perf_counter()
        for issue in built:
            write_day(self.site, issue, [PaperPage(issue.date, paper) for paper in issue.papers])
        with_days = time.perf_counter()
        self._write_periods([issue.date for issue in built])
        with_periods = time.perf_counter()
        _, files, changed = write_index_pages(self.site, self.lake, self.index)
        self.index = {file.path: file for file in files}
        finished = time.perf_counter()
        print(
            f"lake {stored - started:.2f} s; days {with_days - stored:.2f} s; "
            f"months and weeks {with_periods - with_days:.2f} s; "
            f"index ({len(files)} files, {changed} changed) {finished - with_periods:.2f} s"
        )
        return finished - started

    def _write_periods(self, days: list[date]) -> None:
        """Write the pages of all months and weeks that the days affect."""
        for kind, asset in (("month", "monthly_pages"), ("week", "weekly_pages")):
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


def main(folder: Path, days: int = 558, papers: int = 18) -> None:
    bench = Bench(folder)
    built = list(issues(days, papers))
    seconds = bench.write(built)
    files = [path for path in bench.folder.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    megabytes = size / 1e6
    print(
        f"{days} days of {papers} papers: {seconds:.0f} s, {len(files)} files, {megabytes:.0f} MB"
    )

    old, newest = built[days // 2], built[-1]
    del built  # a process that builds one day does not keep the others in memory
    print(f"an old day changed: {bench.write([_rewritten(old)]):.2f} s")
    print(f"the newest day changed: {bench.write([_rewritten(newest)]):.2f} s")
    print(f"nothing changed: {bench.write([]):.2f} s")


if __name__ == "__main__":
    with TemporaryDirectory() as temporary:
        main(Path(temporary), *map(int, sys.argv[1:]))
