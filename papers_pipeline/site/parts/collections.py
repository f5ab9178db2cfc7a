"""The pages of topics and institutions: the newest papers in short, and a list of months."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Literal

from markupsafe import Markup

from papers_pipeline.site.catalogue import Card, Catalogue, digest
from papers_pipeline.site.issue_reader import IssueReader
from papers_pipeline.site.page import Page
from papers_pipeline.site.periods import Span, month_of
from papers_pipeline.site.render import Renderer, topic_token

NEWEST = 200
"""Papers that a page shows; its months lead to the earlier ones."""


@dataclass(frozen=True)
class Collection:
    """The papers of a topic or an institution, newest first.

    `key` is its name in URLs, `name` the topic's in the lake or the institution's as printed.
    """

    kind: Literal["topic", "institution"]
    key: str
    name: str
    cards: Sequence[Card]

    @property
    def path(self) -> str:
        """Its page's path below `<lang>/`: `t/small_models.html`, `i/eth-zurich.html`."""
        return f"{self.kind[0]}/{self.key}.html"

    @property
    def newest(self) -> Sequence[Card]:
        """The papers that the page shows."""
        return self.cards[:NEWEST]

    @cached_property
    def months(self) -> Sequence[tuple[Span, int]]:
        """The months of its papers and how many each has, newest first.

        Every topic has them. An institution has them only if its page does not show all its papers.
        """
        if self.kind == "institution" and len(self.cards) <= NEWEST:
            return []
        papers_of_day = Counter(card.day for card in self.cards)
        months: Counter[Span] = Counter()
        for day, papers in papers_of_day.items():
            months[month_of(day)] += papers
        return sorted(months.items(), reverse=True)

    @property
    def fingerprint(self) -> str:
        """Hash of what its page shows."""
        newest = [card.digest for card in self.newest]
        months = [(month.path, count) for month, count in self.months]
        return digest([self.name, len(self.cards), newest, months])


def topics_of(catalogue: Catalogue) -> Sequence[Collection]:
    """The topics with papers, those with most papers first."""
    topics = []
    for name, cards in catalogue.by_topic.items():
        topics.append(Collection("topic", topic_token(name), name, cards))
    return sorted(topics, key=_most_papers_first)


def institutions_of(catalogue: Catalogue) -> Sequence[Collection]:
    """The institutions, those with most papers first."""
    institutions = []
    for key, cards in catalogue.by_institution.items():
        name = catalogue.institutions[key]
        institutions.append(Collection("institution", key, name, cards))
    return sorted(institutions, key=_most_papers_first)


def collections_of(catalogue: Catalogue) -> Sequence[Collection]:
    """Everything that has a page of this kind: the topics, then the institutions."""
    return (*topics_of(catalogue), *institutions_of(catalogue))


def collection_pages(
    renderer: Renderer, catalogue: Catalogue, issues: IssueReader
) -> Iterator[Page]:
    """A page for every collection, in each language."""
    # A paper is in several collections: its HTML, most of their cost, is kept by language and id.
    briefs: dict[str, dict[str, Markup]] = {language: {} for language in renderer.languages}
    for collection in collections_of(catalogue):
        fingerprint = collection.fingerprint
        for language in renderer.languages:
            make = partial(collection_page, renderer, language, collection, briefs[language])
            yield Page(f"{language}/{collection.path}", fingerprint, make)


def collection_page(
    renderer: Renderer, language: str, collection: Collection, briefs: dict[str, Markup]
) -> str:
    """The page of a collection. Adds its papers' HTML to `briefs`, by id."""
    return renderer.page(
        "collection.html.j2", language, collection.path, collection=collection, briefs=briefs
    )


def _most_papers_first(collection: Collection) -> tuple[int, str]:
    return -len(collection.cards), collection.key
