"""How long the whole site takes to make and how big it is, without cards and the search index; and one changed day,
an old one and the newest.

python -m benchmarks.site [DAYS [PAPERS]]
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
from papers_pipeline.site.periods import affected_periods, neighbours_of, period_of
from papers_pipeline.site.render import IMAGE_SOURCES, Renderer
from papers_pipeline.site.version import PACKAGE
from papers_pipeline.site.writer import Site
from papers_pipeline.store import files as storage
from papers_pipeline.store.lake import Lake, encode
from papers_pipeline.text.locales import load_locales


class Bench:
    """The site's writers in the order of a build, each timed."""

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
        """Write the days, what they touch, and the index; returns the seconds that took."""
        started = time.perf_counter()
        for issue in built:
            storage.write(
                self.lake.path("daily_issue", str(issue.date)), encode([issue], DailyIssue)
            )
        days = [issue.date for issue in built]
        spent = {"lake": time.perf_counter() - started}

        for issue in built:
            write_day(self.site, issue, [PaperPage(issue.date, paper) for paper in issue.papers])
        spent["days"] = time.perf_counter() - started - sum(spent.values())

        for kind, asset in (("month", "monthly_pages"), ("week", "weekly_pages")):
            for span in affected_periods(self.lake, kind, days, date.max):
                found = [
                    self.lake.read("daily_issue", str(day), DailyIssue) or []
                    for day in _days(span, self.lake)
                ]
                period = period_of(
                    span,
                    [it for rows in found for it in rows],
                    date.max,
                    neighbours_of(self.lake, span),
                )
                files, _ = write_period(self.site, period)
                storage.write(
                    self.lake.path(asset, span.first.isoformat()), encode(files, PeriodFile)
                )
        spent["months and weeks"] = time.perf_counter() - started - sum(spent.values())

        _, files, changed = write_index_pages(self.site, self.lake, self.index)
        self.index = {file.path: file for file in files}
        spent[f"index ({len(files)} files, {changed} changed)"] = (
            time.perf_counter() - started - sum(spent.values())
        )
        print("; ".join(f"{name} {seconds:.2f} s" for name, seconds in spent.items()))
        return time.perf_counter() - started


def _days(span, lake: Lake) -> list[str]:
    return [it for it in lake.partitions("daily_issue") if str(span.first) <= it <= str(span.last)]


def _rewritten(issue: DailyIssue) -> DailyIssue:
    """The issue with another Russian text of its first paper: that, its slogan and its time are on many pages."""
    paper = issue.papers[0]
    now = {
        "title": "Новый заголовок",
        "text": "Новый текст. " * 20,
        "created_at": datetime.now(UTC),
    }
    text = paper.summaries["ru"].model_copy(update=now)
    new = paper.model_copy(update={"summaries": paper.summaries | {"ru": text}})
    return issue.model_copy(update={"papers": [new, *issue.papers[1:]]})


def main(folder: Path, days: int = 558, papers: int = 18) -> None:
    bench = Bench(folder)
    built = list(issues(days, papers))
    seconds = bench.write(built)
    files = [path for path in bench.folder.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    print(
        f"{days} days of {papers} papers: {seconds:.0f} s, {len(files)} files, {size / 1e6:.0f} MB"
    )

    of_some = {"an old": built[days // 2], "the newest": built[-1]}
    del built  # a process that builds one day does not hold the others
    for which, issue in of_some.items():
        print(f"{which} day changed: {bench.write([_rewritten(issue)]):.2f} s")
    print(f"nothing changed: {bench.write([]):.2f} s")


if __name__ == "__main__":
    with TemporaryDirectory() as temporary:
        main(Path(temporary), *map(int, sys.argv[1:]))
