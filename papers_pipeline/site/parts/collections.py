"""The pages of topics, institutions and authors: the newest papers in short, and a list of months.

Only authors with two papers or more have a page. `people` tells those of one name apart.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Literal
from weakref import WeakKeyDictionary

from markupsafe import Markup

from papers_pipeline.enrichment.institution_names import load_institution_names
from papers_pipeline.enrichment.organizations import usual_names
from papers_pipeline.site.catalogue import Card, Catalogue, digest, newest_first
from papers_pipeline.site.issue_reader import IssueReader
from papers_pipeline.site.page import Page
from papers_pipeline.site.people import Person
from papers_pipeline.site.periods import Span, month_of
from papers_pipeline.site.render import Renderer, topic_token
from papers_pipeline.site.slugs import slug

NEWEST = 200
"""Papers that a page shows; its months lead to the earlier ones."""

_collections: WeakKeyDictionary[Catalogue, Sequence["Collection"]] = WeakKeyDictionary()


@dataclass(frozen=True)
class Collection:
    """The papers of a topic, an institution or an author, newest first.

    - `key`: its name in URLs. `former` are those of earlier builds that still lead to it.
    - `name`: the topic's in the lake, or the institution's or author's as printed.
    - `namesakes`: the keys of other authors of this name, and how many papers each has.
    """

    kind: Literal["topic", "institution", "author"]
    key: str
    name: str
    cards: Sequence[Card]
    former: Sequence[str] = ()
    namesakes: Sequence[tuple[str, int]] = ()

    @property
    def path(self) -> str:
        """Its page's path below `<lang>/`: `t/small_models.html`, `a/ada-example.html`."""
        return f"{self.stem}.html"

    @property
    def stem(self) -> str:
        """Its path below `<lang>/` without an ending; its feeds have others."""
        return f"{self.kind[0]}/{self.key}"

    @property
    def former_stems(self) -> Sequence[str]:
        """Such paths of earlier builds, at which the same page and feeds stay."""
        return [f"{self.kind[0]}/{key}" for key in self.former]

    @property
    def newest(self) -> Sequence[Card]:
        """The papers that the page shows."""
        return self.cards[:NEWEST]

    @cached_property
    def months(self) -> Sequence[tuple[Span, int]]:
        """The months of its papers and how many each has, newest first.

        Every topic has them. Others have them only if their page does not show all their papers.
        """
        if self.kind != "topic" and len(self.cards) <= NEWEST:
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
        return digest([self.name, len(self.cards), newest, months, self.namesakes])


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


def authors_of(catalogue: Catalogue) -> Sequence[Collection]:
    """The authors with two papers or more, those with most papers first."""
    authors = []
    for person in catalogue.people:
        cards = newest_first(catalogue.by_id[arxiv_id] for arxiv_id in person.papers)
        namesakes = []
        for other in catalogue.people.namesakes(person):
            namesakes.append((other.key, len(other.papers)))
        name = _newest_spelling(cards[0], person)
        authors.append(Collection("author", person.key, name, cards, person.former, namesakes))
    return sorted(authors, key=_most_papers_first)


def collections_of(catalogue: Catalogue) -> Sequence[Collection]:
    """Everything that has a page of this kind: the topics, the institutions, then the authors.

    Pages, feeds and the sitemap ask for it. It is kept for as long as the catalogue.
    """
    if catalogue not in _collections:
        every = (*topics_of(catalogue), *institutions_of(catalogue), *authors_of(catalogue))
        _collections[catalogue] = every
    return _collections[catalogue]


def collection_pages(
    renderer: Renderer, catalogue: Catalogue, issues: IssueReader
) -> Iterator[Page]:
    """A page for every collection, in each language."""
    # A paper is in several collections: its HTML, most of their cost, is kept by language and id.
    briefs: dict[str, dict[str, Markup]] = {language: {} for language in renderer.languages}
    countries = usual_names(load_institution_names(), issues.lake).countries
    country_of_key = {slug(name): code for name, code in countries.items()}
    for collection in collections_of(catalogue):
        country = country_of_key.get(collection.key) if collection.kind == "institution" else None
        fingerprint = " ".join(filter(None, (collection.fingerprint, country)))
        for language in renderer.languages:
            make = partial(
                collection_page, renderer, language, collection, briefs[language], country
            )
            for stem in (collection.stem, *collection.former_stems):
                yield Page(f"{language}/{stem}.html", fingerprint, make)


def collection_page(
    renderer: Renderer,
    language: str,
    collection: Collection,
    briefs: dict[str, Markup],
    country: str | None = None,
) -> str:
    """The page of a collection. Adds its papers' HTML to `briefs`, by id.

    `country` is an institution's, as its ISO 3166-1 code.
    """
    return renderer.page(
        "collection.html.j2",
        language,
        collection.path,
        collection=collection,
        briefs=briefs,
        country=country,
    )


def _newest_spelling(card: Card, person: Person) -> str:
    """An author's name as a paper of theirs has it."""
    return next(name for name in card.authors if slug(name) == person.name)


def _most_papers_first(collection: Collection) -> tuple[int, str]:
    return -len(collection.cards), collection.key
