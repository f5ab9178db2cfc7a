"""The pages of papers that more than one day lists: they belong to no day, and so to the site's run."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from papers_pipeline.site.catalogue import Card, Catalogue, digest
from papers_pipeline.site.page import Page
from papers_pipeline.site.parts.paper_page import (
    PaperPage,
    link_card,
    listed_twice,
    paper_page,
    related_cards,
)
from papers_pipeline.site.render import Renderer

if TYPE_CHECKING:
    from papers_pipeline.site.issue_reader import Issues


def shared_papers(renderer: Renderer, catalogue: Catalogue, issues: "Issues") -> Iterator[Page]:
    """The card and the page in every language of each paper that several days list, as the latest of them has it."""
    twice = listed_twice(issues.lake)
    for card in catalogue.cards:
        if card.arxiv_id in twice:
            yield from _pages(renderer, catalogue, issues, card)


def _pages(
    renderer: Renderer, catalogue: Catalogue, issues: "Issues", card: Card
) -> Iterator[Page]:
    page = _page(catalogue, issues, card)
    cards = {language: link_card(renderer, page, language) for language in renderer.languages}
    fingerprint = digest(
        [
            page.paper.model_dump(mode="json"),
            [it.digest for it in page.related],
            {language: it.fingerprint for language, it in cards.items() if it},
        ]
    )
    for language, drawn in cards.items():
        if drawn:
            yield Page(page.card_path(language), drawn.fingerprint, drawn.png, is_picture=True)
    for language in renderer.languages:
        yield Page(f"{language}/{page.path}", fingerprint, partial(_html, renderer, page, language))


def _html(renderer: Renderer, page: PaperPage, language: str) -> bytes:
    return paper_page(renderer, page, language).encode()


def _page(catalogue: Catalogue, issues: "Issues", card: Card) -> PaperPage:
    paper = issues.paper(card.day, card.arxiv_id)
    row = next((it for it in issues.related(card.day) if it.arxiv_id == card.arxiv_id), None)
    days = sorted({*paper.listed_on, *card.days})
    shown = paper.model_copy(update={"listed_on": days, "upvotes": card.upvotes})
    return PaperPage(card.day, shown, related_cards(row, catalogue.by_id))
