"""The pages of papers that several days list: the site's run writes them."""

from collections.abc import Iterator

from papers_pipeline.site.catalogue import Card, Catalogue
from papers_pipeline.site.issue_reader import IssueReader
from papers_pipeline.site.page import Page
from papers_pipeline.site.parts.paper_page import (
    PaperPage,
    files_of_paper,
    listed_twice,
    related_cards,
)
from papers_pipeline.site.render import Renderer


def shared_papers(renderer: Renderer, catalogue: Catalogue, issues: IssueReader) -> Iterator[Page]:
    """The link card and page, in every language, of each paper that several days list."""
    twice = listed_twice(issues.lake)
    for card in catalogue.cards:
        if card.arxiv_id in twice:
            yield from files_of_paper(renderer, _paper_page(catalogue, issues, card))


def _paper_page(catalogue: Catalogue, issues: IssueReader, card: Card) -> PaperPage:
    """The page of a paper, with the data of the latest day that lists it."""
    paper = issues.paper(card.day, card.arxiv_id)
    listed_on = sorted({*paper.listed_on, *card.days})
    paper = paper.model_copy(update={"listed_on": listed_on, "upvotes": card.upvotes})
    related: list[Card] = []
    for row in issues.related(card.day):
        if row.arxiv_id == card.arxiv_id:
            related = related_cards(row, catalogue.by_id)
    keys = catalogue.people.keys(card.arxiv_id, card.authors)
    return PaperPage(card.day, paper, related, keys)
