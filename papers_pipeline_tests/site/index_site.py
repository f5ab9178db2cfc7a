"""A site whose index a test writes over its own papers, and which pages that made."""

from datetime import UTC, date, datetime, time
from pathlib import Path

from upath import UPath

from papers_pipeline.records import IssuePaper, SiteFile
from papers_pipeline.site.catalogue import read_catalogue
from papers_pipeline.site.index import index_pages
from papers_pipeline.site.issue_reader import IssueReader
from papers_pipeline.site.page import Page
from papers_pipeline.site.writer import Site
from papers_pipeline_tests.helpers.pages import LANGUAGES, lake_of, paper, renderer

URL = "https://digest.example/papers"
Days = dict[date, list[IssuePaper]]


def on(day: date, arxiv_id: str, **changes) -> IssuePaper:
    """A paper listed at 8:00 UTC of a day."""
    return paper(arxiv_id, **({"listed_at": datetime.combine(day, time(8), UTC)} | changes))


def everywhere(*paths: str) -> set[str]:
    """These paths below every language."""
    return {f"{language}/{path}" for language in LANGUAGES for path in paths}


class IndexSite:
    """A site in a folder. Its index is written as the asset does it."""

    def __init__(self, folder: Path, site_url: str | None = None) -> None:
        self.folder = folder
        self.site = Site(UPath(folder / "site"), renderer(site_url))
        self.files: dict[str, SiteFile] = {}

    def pages(self, days: Days) -> list[Page]:
        lake = lake_of(self.folder, *days.items())
        return list(index_pages(self.site.renderer, read_catalogue(lake), IssueReader(lake)))

    def write(self, days: Days) -> set[str]:
        """Write the index over these days; returns the paths of the pages that were made."""
        made = set()

        def watched(page: Page) -> Page:
            def make() -> str | bytes:
                made.add(page.path)
                return page.make()

            return Page(page.path, page.fingerprint, make)

        files, _ = self.site.write_pages(map(watched, self.pages(days)), self.files)
        self.files = {file.path: file for file in files}
        return made

    def read(self, path: str) -> str:
        return (self.folder / "site" / path).read_text(encoding="utf-8")
