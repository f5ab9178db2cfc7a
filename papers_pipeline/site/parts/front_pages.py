"""The site's root and `404.html`, each language's front page, and the static files."""

import hashlib
from collections.abc import Iterator
from functools import partial

from papers_pipeline.records import DailyIssue
from papers_pipeline.site.catalogue import Catalogue, digest
from papers_pipeline.site.issue_reader import IssueReader
from papers_pipeline.site.page import Page
from papers_pipeline.site.render import Renderer, static_files
from papers_pipeline.site.week_in_lines import week_in_lines


def front_pages(renderer: Renderer, catalogue: Catalogue, issues: IssueReader) -> Iterator[Page]:
    """The static files, the front pages with the newest day that has a paper, root and 404."""
    yield from static_pages()
    newest = _newest_issue(catalogue, issues)
    week = week_in_lines(catalogue)
    shown = digest([record and record.model_dump(mode="json") for record in (newest, week)])
    for language in renderer.languages:
        make = partial(renderer.language_index, newest, language, week)
        yield Page(f"{language}/index.html", shown, make)
    yield Page("index.html", digest(renderer.languages), renderer.root_index)
    yield Page("404.html", digest(renderer.languages), renderer.not_found)


def static_pages() -> Iterator[Page]:
    """The static files. Days write them too, so that a day is complete before the first index."""
    for path, data in static_files().items():
        yield Page(path, hashlib.sha256(data).hexdigest(), partial(bytes, data))


def _newest_issue(catalogue: Catalogue, issues: IssueReader) -> DailyIssue | None:
    for day in reversed(catalogue.days):
        if day.papers:
            return issues.issue(day.date)
    return None
