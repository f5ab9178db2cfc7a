"""The pages of papers that several days list: the site's run writes them."""

from collections.abc import Iterator
from functools import partial

from papers_pipeline.site.catalogue import Card, Catalogue, digest
from papers_pipeline.site.issue_reader import IssueReader
from papers_pipeline.site.page import Page
from papers_pipeline.site.parts.paper_page import (
    PaperPage,
    link_card,
    listed_twice,
    paper_page,
    related_cards,
)
from papers_pipeline.site.render import Renderer


def shared_papers(renderer: Renderer, catalogue: Catalogue, issues: IssueReader) -> Iterator[Page]:
    """The link card and page, in every language, of each paper that several days list."""
    twice = listed_twice(issues.lake)
    for card in catalogue.cards:
        if card.arxiv_id in twice:
            yield from _pages(renderer, _paper_page(catalogue, issues, card))


def _pages(renderer: Renderer, page: PaperPage) -> Iterator[Page]:
    card_fingerprints = {}
    for language in renderer.languages:
        card = link_card(renderer, page, language)
        if card:
            card_fingerprints[language] = card.fingerprint
            yield Page(page.card_path(language), card.fingerprint, card.png, is_image=True)
    paper = page.paper.model_dump(mode="json")
    related = [card.digest for card in page.related]
    fingerprint = digest([paper, related, card_fingerprints])
    for language in renderer.languages:
        make = partial(paper_page, renderer, page, language)
        yield Page(f"{language}/{page.path}", fingerprint, make)


def _paper_page(catalogue: Catalogue, issues: IssueReader, card: Card) -> PaperPage:
    """The page of a paper, with the data of the latest day that lists it."""
    paper = issues.paper(card.day, card.arxiv_id)
    listed_on = sorted({*paper.listed_on, *card.days})
    paper = paper.model_copy(update={"listed_on": listed_on, "upvotes": card.upvotes})
    related: list[Card] = []
    for row in issues.related(card.day):
        if row.arxiv_id == card.arxiv_id:
            related = related_cards(row, catalogue.by_id)
    return PaperPage(card.day, paper, related)
