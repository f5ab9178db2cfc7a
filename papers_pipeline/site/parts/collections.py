"""The pages of topics and institutions: a shelf each, with the newest papers in short and the months of all of them."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property, partial
from typing import TYPE_CHECKING, Literal

from markupsafe import Markup

from papers_pipeline.site.catalogue import Card, Catalogue, digest
from papers_pipeline.site.page import Page
from papers_pipeline.site.periods import Span, month_of
from papers_pipeline.site.render import Renderer, topic_token

if TYPE_CHECKING:
    from papers_pipeline.site.issue_reader import Issues

NEWEST = 200
"""So many papers a page shows; earlier ones are reached by their months."""


@dataclass(frozen=True)
class Shelf:
    """The papers of a topic or of an institution, newest first. ``key`` is its name in addresses, ``name`` that of the
    topic in the lake, or the institution's as printed."""

    kind: Literal["topic", "institution"]
    key: str
    name: str
    cards: Sequence[Card]

    @property
    def path(self) -> str:
        """Where its page lies below `<lang>/`: `t/small_models.html`, `i/eth-zurich.html`."""
        return f"{self.kind[0]}/{self.key}.html"

    @property
    def newest(self) -> Sequence[Card]:
        """The papers that the page shows."""
        return self.cards[:NEWEST]

    @cached_property
    def months(self) -> Sequence[tuple[Span, int]]:
        """The months of its papers and how many each has, newest first: of every topic, and of an institution with
        more papers than its page shows."""
        if self.kind == "institution" and len(self.cards) <= NEWEST:
            return []
        days = Counter(card.day for card in self.cards)
        months: Counter[Span] = Counter()
        for day, count in days.items():
            months[month_of(day)] += count
        return sorted(months.items(), reverse=True)

    @property
    def fingerprint(self) -> str:
        """What its pages are made of, in short."""
        months = [(month.path, count) for month, count in self.months]
        return digest([self.name, len(self.cards), [card.digest for card in self.newest], months])


def topics_of(catalogue: Catalogue) -> Sequence[Shelf]:
    """The topics that have papers, those with most first."""
    shelves = [
        Shelf("topic", topic_token(name), name, cards) for name, cards in catalogue.by_topic.items()
    ]
    return sorted(shelves, key=_most_first)


def institutions_of(catalogue: Catalogue) -> Sequence[Shelf]:
    """The institutions, those with most papers first."""
    names = catalogue.institutions
    shelves = [
        Shelf("institution", key, names[key], cards)
        for key, cards in catalogue.by_institution.items()
    ]
    return sorted(shelves, key=_most_first)


def shelf_pages(renderer: Renderer, catalogue: Catalogue, issues: "Issues") -> Iterator[Page]:
    """A page for every topic and every institution, in each language."""
    briefs = {language: Briefs() for language in renderer.languages}
    for shelf in [*topics_of(catalogue), *institutions_of(catalogue)]:
        fingerprint = shelf.fingerprint
        for language in renderer.languages:
            make = partial(_page, renderer, language, shelf, briefs[language])
            yield Page(f"{language}/{shelf.path}", fingerprint, make)


class Briefs:
    """The papers in short, each made once: it stands on several shelves, and makes up most of their cost."""

    def __init__(self) -> None:
        self._made: dict[str, Markup] = {}

    def __call__(
        self, make: Callable[[Card, str], Markup], card: Card, in_words: Callable[[date], str]
    ) -> Markup:
        if card.arxiv_id not in self._made:
            self._made[card.arxiv_id] = make(card, in_words(card.day))
        return self._made[card.arxiv_id]


def _page(renderer: Renderer, language: str, shelf: Shelf, once: Briefs) -> bytes:
    return renderer.page("shelf.html.j2", language, shelf.path, shelf=shelf, once=once).encode()


def _most_first(shelf: Shelf) -> tuple[int, str]:
    return -len(shelf.cards), shelf.key
