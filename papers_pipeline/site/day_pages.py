"""The files that a day's run writes."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from papers_pipeline.records import DailyIssue, RelatedPapers, SiteFile
from papers_pipeline.site.page import Page
from papers_pipeline.site.parts.day_words import words_file
from papers_pipeline.site.parts.front_pages import static_pages
from papers_pipeline.site.parts.paper_page import PaperPage, files_of_paper
from papers_pipeline.site.parts.reading_pages import reading_files
from papers_pipeline.site.render import Renderer
from papers_pipeline.site.writer import Site


def write_day(
    site: Site,
    issue: DailyIssue,
    papers: Sequence[PaperPage] = (),
    before: Mapping[str, SiteFile] | None = None,
    related: Sequence[RelatedPapers] = (),
) -> tuple[list[SiteFile], int]:
    """Write a day's pages, the pages of its `papers`, its JSON and words, and the static files.

    `related` has the day's rows of `related_papers`. Only files are made whose content differs from
    `before`, the files of the last build by path. Returns all files and how many changed.
    """
    return site.write_changed(_day_files(site.renderer, issue, papers, related), before or {})


def public_json(issue: DailyIssue) -> bytes:
    """The public record of a day (`d/YYYY-MM-DD.json`), schema 1."""
    record = {"schema": 1} | issue.model_dump(mode="json", exclude={"list_state"})
    return (json.dumps(record, ensure_ascii=False, indent=1) + "\n").encode()


def _day_files(
    renderer: Renderer,
    issue: DailyIssue,
    papers: Sequence[PaperPage],
    related: Sequence[RelatedPapers],
) -> Iterator[Page]:
    yield from static_pages()
    for paper in papers:
        yield from files_of_paper(renderer, paper)
    record = public_json(issue)
    fingerprint = hashlib.sha256(record).hexdigest()
    for language in renderer.languages:
        make = partial(renderer.day_page, issue, language)
        yield Page(f"{language}/d/{issue.date}.html", fingerprint, make)
    yield from reading_files(renderer, issue)
    yield Page(f"d/{issue.date}.json", fingerprint, partial(bytes, record))
    yield words_file(issue, related)
