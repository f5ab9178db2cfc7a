"""The files that a day's run writes."""

import json
from collections.abc import Iterator, Mapping, Sequence

from papers_pipeline.records import DailyIssue, SiteFile
from papers_pipeline.site.page import Page
from papers_pipeline.site.parts.paper_page import PaperPage, link_card, paper_page
from papers_pipeline.site.parts.reading_pages import reading_files
from papers_pipeline.site.render import Renderer, static_files
from papers_pipeline.site.writer import Site


def write_day(
    site: Site,
    issue: DailyIssue,
    papers: Sequence[PaperPage] = (),
    before: Mapping[str, SiteFile] | None = None,
) -> tuple[list[SiteFile], int]:
    """Write a day's pages, the pages of its `papers`, its JSON, and the static files.

    Link cards are drawn only if their words differ from those in `before`, the files of the last
    build by path. Returns all files and how many changed.
    """
    cards, cards_changed = site.write_changed(_link_cards(site.renderer, papers), before or {})
    files, files_changed = site.write_files(_day_files(site.renderer, issue, papers))
    return [*cards, *files], cards_changed + files_changed


def public_json(issue: DailyIssue) -> bytes:
    """The public record of a day (`d/YYYY-MM-DD.json`), schema 1."""
    record = {"schema": 1} | issue.model_dump(mode="json", exclude={"list_state"})
    return (json.dumps(record, ensure_ascii=False, indent=1) + "\n").encode()


def _link_cards(renderer: Renderer, papers: Sequence[PaperPage]) -> Iterator[Page]:
    for paper in papers:
        for language in renderer.languages:
            card = link_card(renderer, paper, language)
            if card:
                yield Page(paper.card_path(language), card.fingerprint, card.png, is_image=True)


def _day_files(
    renderer: Renderer, issue: DailyIssue, papers: Sequence[PaperPage]
) -> Iterator[tuple[str, str | bytes]]:
    yield from static_files().items()
    for language in renderer.languages:
        for paper in papers:
            yield f"{language}/{paper.path}", paper_page(renderer, paper, language)
        yield f"{language}/d/{issue.date}.html", renderer.day_page(issue, language)
    yield from reading_files(renderer, issue)
    yield f"d/{issue.date}.json", public_json(issue)
