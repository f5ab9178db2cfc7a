"""The page of one paper, its metadata for machines, and its preview card."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from babel.core import get_global, parse_locale
from markupsafe import Markup

from papers_pipeline.records import DailyIssue, IssuePaper, RelatedPapers, by_arxiv_id
from papers_pipeline.site.asking import ask_links
from papers_pipeline.site.bibtex import bibtex
from papers_pipeline.site.catalogue import Card, cards_of, cards_of_issue, digest
from papers_pipeline.site.drawing.cards import HEIGHT, WIDTH, LinkCard, load_fonts
from papers_pipeline.site.page import Page
from papers_pipeline.site.parts.paper_markdown import paper_markdown
from papers_pipeline.site.people import AuthoredPaper, People
from papers_pipeline.site.render import Renderer
from papers_pipeline.site.slugs import slug
from papers_pipeline.store.lake import Lake, scan_table
from papers_pipeline.text.locales import Locale


@dataclass(frozen=True)
class PaperPage:
    """A paper with the data of `day`, and the cards of related papers.

    `author_keys` has the names in URLs of its authors who have a page, by name as printed.
    """

    day: date
    paper: IssuePaper
    related: Sequence[Card] = ()
    author_keys: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The page's path below `<lang>/`."""
        return f"p/{self.paper.arxiv_id}.html"

    @property
    def markdown_path(self) -> str:
        """The path of the page's Markdown below `<lang>/`."""
        return f"p/{self.paper.arxiv_id}.md"

    def card_path(self, language: str) -> str:
        """The path of its link card below the site's root."""
        return f"og/{language}/{self.paper.arxiv_id}.png"


def pages_of_day(
    issue: DailyIssue, related: Iterable[RelatedPapers], lake: Lake
) -> list[PaperPage]:
    """The pages that the day's run writes: those of papers that no other day lists."""
    rows = by_arxiv_id(related)
    days: set[date] = set()
    for row in rows.values():
        days.update(paper.day for paper in row.related)
    cards = by_arxiv_id(cards_of(lake, sorted(days - {issue.date})))
    cards |= by_arxiv_id(cards_of_issue(issue))
    elsewhere = listed_elsewhere(lake, issue.date, {paper.arxiv_id for paper in issue.papers})
    people = people_listed(lake, _author_names(issue.papers))
    pages = []
    for paper in issue.papers:
        if paper.arxiv_id in elsewhere:
            continue
        found = rows.get(paper.arxiv_id)
        shown = related_cards(found, cards) if found else ()
        keys = people.keys(paper.arxiv_id, _author_names([paper]))
        pages.append(PaperPage(issue.date, paper, shown, keys))
    return pages


def people_listed(lake: Lake, names: Iterable[str]) -> People:
    """The people of these names who have two papers or more in the lists of all days.

    The catalogue finds the same people, once the days are built.
    """
    days = lake.partitions("feed_listing")
    listed = scan_table(lake, "feed_listing", days, ("arxiv_id", "authors"))
    first_days: dict[str, str] = {}
    authors: dict[str, Sequence[str]] = {}
    for day, arxiv_id, of_paper in zip(
        *(listed[name].to_pylist() for name in ("partition", "arxiv_id", "authors")), strict=True
    ):
        first_days.setdefault(arxiv_id, day)
        authors[arxiv_id] = of_paper
    oldest_first = sorted(authors, key=lambda arxiv_id: (first_days[arxiv_id], arxiv_id))
    papers = [AuthoredPaper(arxiv_id, authors[arxiv_id]) for arxiv_id in oldest_first]
    return People(papers, only={slug(name) for name in names})


def _author_names(papers: Iterable[IssuePaper]) -> Sequence[str]:
    return [author.name for paper in papers for author in paper.authors]


def related_cards(row: RelatedPapers, cards: Mapping[str, Card]) -> list[Card]:
    """The cards of a row's related papers, in its order.

    A paper that no issue shows has no card, and no page to link to.
    """
    return [cards[paper.arxiv_id] for paper in row.related if paper.arxiv_id in cards]


def listed_elsewhere(lake: Lake, day: date, ids: Collection[str]) -> set[str]:
    """Which of these papers any other day lists too: the site's run writes their pages."""
    others = [partition for partition in lake.partitions("feed_listing") if partition != str(day)]
    listed = _listed(lake, others)
    return set(listed.filter(pc.is_in(listed, pa.array(list(ids), pa.string()))).to_pylist())


def listed_twice(lake: Lake) -> set[str]:
    """Every paper that more than one day lists."""
    counts = pc.value_counts(_listed(lake, lake.partitions("feed_listing"))).to_pylist()
    return {count["values"] for count in counts if count["counts"] > 1}


def _listed(lake: Lake, days: Sequence[str]) -> pa.ChunkedArray:
    return scan_table(lake, "feed_listing", days, ("arxiv_id",))["arxiv_id"].cast(pa.string())


def files_of_paper(renderer: Renderer, page: PaperPage) -> Iterator[Page]:
    """The link card, the page and its Markdown of a paper in every language."""
    card_fingerprints = {}
    for language in renderer.languages:
        card = link_card(renderer, page, language)
        if card:
            card_fingerprints[language] = card.fingerprint
            yield Page(page.card_path(language), card.fingerprint, card.png, is_plain=True)
    paper = page.paper.model_dump(mode="json")
    related = [card.digest for card in page.related]
    fingerprint = digest([paper, related, page.author_keys, card_fingerprints])
    for language in renderer.languages:
        make = partial(paper_page, renderer, page, language)
        yield Page(f"{language}/{page.path}", fingerprint, make)
        locale = renderer.locales[language]
        make = partial(paper_markdown, locale, page.paper, page.day)
        yield Page(f"{language}/{page.markdown_path}", fingerprint, make)


def paper_page(renderer: Renderer, page: PaperPage, language: str) -> str:
    """The page in a language, for `<lang>/p/<arxiv_id>.html`."""
    locale = renderer.locales[language]
    has_card = link_card(renderer, page, language) is not None
    image = f"{renderer.site_url}/{page.card_path(language)}" if has_card else None
    url = f"{renderer.site_url}/{language}/{page.path}" if renderer.site_url else None
    asked_about = url or f"https://arxiv.org/abs/{page.paper.arxiv_id}"
    return renderer.page(
        "paper.html.j2",
        language,
        page.path,
        paper=page.paper,
        day=page.day,
        related=page.related,
        author_keys=page.author_keys,
        markdown=page.markdown_path,
        ask=ask_links(renderer.ask, locale, page.paper.title, asked_about),
        bibtex=bibtex(page.paper),
        article=json_ld(page.paper, locale, url, image),
        territory=territory,
        image=image,
        image_size=(WIDTH, HEIGHT),
    )


def link_card(renderer: Renderer, page: PaperPage, language: str) -> LinkCard | None:
    """The card in a language; None if cards are off or no font has the language's letters."""
    fonts = load_fonts() if renderer.draws_cards else None
    if fonts is None:
        return None
    locale, paper = renderer.locales[language], page.paper
    text = paper.summaries.get(language)
    slogan = text.title if text and text.title else None
    card = LinkCard(
        slogan=slogan or paper.title,
        original=paper.title if slogan else None,
        site=locale.text("site.name"),
        date=locale.short_date(page.day),
    )
    return card if card.can_be_drawn(fonts) else None


def json_ld(paper: IssuePaper, locale: Locale, url: str | None, image: str | None) -> Markup:
    """The paper as https://schema.org/ScholarlyArticle, for a script element.

    Characters that could end the element are escaped. The abstract and the authors' institutions
    are left out: the page itself has them, in every language.
    """
    text = paper.summaries.get(locale.code)
    article: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "ScholarlyArticle",
        "@id": paper.url,
        "headline": paper.title,
        "alternativeHeadline": text.title if text else None,
        "inLanguage": "en",
        "author": [{"@type": "Person", "name": author.name} for author in paper.authors],
        "sourceOrganization": [_organization(name) for name in paper.institutions],
        "datePublished": paper.published_at.date().isoformat() if paper.published_at else None,
        "identifier": {"@type": "PropertyValue", "propertyID": "arXiv", "value": paper.arxiv_id},
        "version": paper.version,
        "url": paper.url,
        "isAccessibleForFree": True,
        "encoding": {
            "@type": "MediaObject",
            "contentUrl": paper.pdf_url,
            "encodingFormat": "application/pdf",
        },
        "keywords": [locale.topic(name) for name in paper.topics.names],
        "publisher": _organization("arXiv") | {"url": "https://arxiv.org"},
        "mainEntityOfPage": url,
        "image": image,
    }
    known = {name: value for name, value in article.items() if value not in (None, [])}
    source = json.dumps(known, ensure_ascii=False, separators=(",", ":"))
    return Markup(source.translate(_SCRIPT_ESCAPES))


_SCRIPT_ESCAPES = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}


def _organization(name: str) -> dict[str, str]:
    return {"@type": "Organization", "name": name}


def territory(locale: Locale) -> str:
    """The language and the country where most speak it, for Open Graph: `ru_RU`, `zh_CN`."""
    language, country = parse_locale(locale.babel)[:2]
    likely = get_global("likely_subtags").get(language)
    if country is None and likely:
        country = parse_locale(likely)[1]
    return f"{language}_{country}" if country else language
