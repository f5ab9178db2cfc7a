"""The feeds: Atom and JSON Feed of each language, topic, institution and author.

https://www.rfc-editor.org/rfc/rfc4287 and https://www.jsonfeed.org/version/1.1/. Feeds need
absolute URLs, so a site without an address has none.

An entry is a paper in a language, and its id depends on these two only. A corrected text changes
the entry's `updated`, so no reader shows it as new. A paper without a text in the language is left
out: readers would fetch the empty entry once and never see its text.

Feeds of institutions and authors are brief: titles and links. A paper is in a dozen of them, and
its text in each would be half of the site's bytes.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache, partial
from heapq import nlargest
from typing import Any

from feedgen.entry import FeedEntry
from feedgen.feed import FeedGenerator

from papers_pipeline.base.characters import one_line
from papers_pipeline.site.catalogue import Card, Catalogue, digest
from papers_pipeline.site.issue_reader import IssueReader
from papers_pipeline.site.page import Page
from papers_pipeline.site.parts.collections import Collection, collections_of
from papers_pipeline.site.render import Renderer, capitalized, printable
from papers_pipeline.text.locales import Locale

NEWEST = 50
CACHED_TEXTS = 12_288
"""2.5 kB each."""
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""The `updated` of a feed without entries."""


@dataclass(frozen=True)
class Feed:
    """A feed in a language, its papers newest first.

    `stem` is its path below the site's root without the ending `.xml` or `.json`, `page` that of
    the page with the same papers. The entries of an `is_brief` feed have the paper's own title in
    place of the text.
    """

    language: str
    stem: str
    page: str
    title: str
    cards: Sequence[Card]
    is_brief: bool = False

    @property
    def updated(self) -> datetime:
        """When an entry last changed."""
        return max((_updated(card, self.language) for card in self.cards), default=NEVER)


@dataclass(frozen=True)
class Entry:
    """A paper as a feed shows it, without its text.

    `original_title` is the paper's own; `topics` are pairs of name and label.
    """

    id: str
    url: str
    arxiv_url: str
    title: str
    original_title: str
    authors: Sequence[str]
    topics: Sequence[tuple[str, str]]
    published: datetime
    updated: datetime


class Entries:
    """Makes the entries of papers. The last texts stay in memory: several feeds have them."""

    def __init__(self, renderer: Renderer, catalogue: Catalogue, issues: IssueReader) -> None:
        self.renderer = renderer
        self._catalogue = catalogue
        self._issues = issues
        self.content = lru_cache(CACHED_TEXTS)(self._content)

    def entry(self, language: str, card: Card) -> Entry:
        """The entry of a paper."""
        locale = self.renderer.locales[language]
        arxiv_url = f"https://arxiv.org/abs/{card.arxiv_id}"
        return Entry(
            id=f"{arxiv_url}#{language}",
            url=self.renderer.absolute(f"{language}/{_page_of(card.arxiv_id)}"),
            arxiv_url=arxiv_url,
            title=_plain(card.slogans.get(language) or card.title),
            original_title=_plain(card.title),
            authors=[name for name in map(_plain, card.authors) if name],
            topics=[(name, locale.topic(name)) for name in card.topics],
            published=card.listed_at,
            updated=_updated(card, language),
        )

    def _content(self, language: str, arxiv_id: str) -> str:
        """The text and what belongs to it, as HTML."""
        card = self._catalogue.by_id[arxiv_id]
        paper = self._issues.texts(card.day, arxiv_id)
        page = _page_of(arxiv_id)
        return self.renderer.page("entry.html.j2", language, page, paper=paper).strip()


def feed_pages(renderer: Renderer, catalogue: Catalogue, issues: IssueReader) -> Iterator[Page]:
    """The feeds of every language, and of every topic, institution and author with a page."""
    if not renderer.site_url:
        return
    entries = Entries(renderer, catalogue, issues)
    shown = {language: _shown(language, catalogue.cards) for language in renderer.languages}
    for language in renderer.languages:
        fingerprint = digest(sorted(shown[language].values()))
        make = partial(_feed_of_all, renderer.locales[language], catalogue.cards)
        yield from _files(f"{language}/feed", fingerprint, make, entries)
    for collection in collections_of(catalogue):
        for language in renderer.languages:
            of_papers = [shown[language][card.arxiv_id] for card in collection.cards]
            fingerprint = digest([collection.name, *sorted(of_papers)])
            make = partial(_feed, renderer.locales[language], collection)
            for stem in (collection.stem, *collection.former_stems):
                yield from _files(f"{language}/{stem}", fingerprint, make, entries)


def _shown(language: str, cards: Sequence[Card]) -> dict[str, str]:
    """By id, what decides how each paper looks in a feed. Votes do not count, nor their order."""
    return {card.arxiv_id: f"{card.entries.get(language)} {card.status}" for card in cards}


def _feed_of_all(locale: Locale, cards: Sequence[Card]) -> Feed:
    language = locale.code
    return Feed(
        language=language,
        stem=f"{language}/feed",
        page=f"{language}/index.html",
        title=locale.text("site.name"),
        cards=_newest(cards, language),
    )


def _feed(locale: Locale, collection: Collection) -> Feed:
    is_topic = collection.kind == "topic"
    name = capitalized(locale.topic(collection.name)) if is_topic else _plain(collection.name)
    return Feed(
        language=locale.code,
        stem=f"{locale.code}/{collection.stem}",
        page=f"{locale.code}/{collection.path}",
        title=f"{name} · {locale.text('site.name')}",
        cards=_newest(collection.cards, locale.code),
        is_brief=not is_topic,
    )


def _files(
    stem: str, fingerprint: str, make: Callable[[], Feed], entries: Entries
) -> Iterator[Page]:
    """A feed as Atom and JSON Feed. It is put together only if it is written."""
    yield Page(f"{stem}.xml", fingerprint, lambda: atom(make(), entries))
    yield Page(f"{stem}.json", fingerprint, lambda: json_feed(make(), entries))


def atom(feed: Feed, entries: Entries) -> bytes:
    """The feed as Atom."""
    renderer = entries.renderer
    address = renderer.absolute(f"{feed.stem}.xml")
    site_name = renderer.locales[feed.language].text("site.name")
    generator = FeedGenerator()
    generator.id(address)
    generator.title(feed.title)
    generator.language(renderer.locales[feed.language].html)
    generator.link(href=address, rel="self", type="application/atom+xml")
    generator.link(href=renderer.absolute(feed.page), rel="alternate", type="text/html")
    generator.author(name=site_name)  # of entries that name no author
    generator.generator("papers_pipeline")
    generator.updated(feed.updated)
    for card in feed.cards:
        generator.add_entry(_atom_entry(feed, card, entries), order="append")
    return bytes(generator.atom_str(pretty=True))


def json_feed(feed: Feed, entries: Entries) -> str:
    """The feed as JSON Feed."""
    renderer = entries.renderer
    locale = renderer.locales[feed.language]
    items = []
    for card in feed.cards:
        items.append(_json_item(feed, card, entries) | {"language": locale.html})
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "home_page_url": renderer.absolute(feed.page),
        "feed_url": renderer.absolute(f"{feed.stem}.json"),
        "description": locale.text("site.tagline"),
        "language": locale.html,
        "items": items,
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def _atom_entry(feed: Feed, card: Card, entries: Entries) -> FeedEntry:
    entry = entries.entry(feed.language, card)
    atom_entry = FeedEntry()
    atom_entry.id(entry.id)
    atom_entry.title(entry.title)
    # feedgen 1.0 drops the `rel` of an entry's links. A link without one means the page itself, so
    # there can be only one.
    atom_entry.link(href=entry.url)
    atom_entry.published(entry.published)
    atom_entry.updated(entry.updated)
    if feed.is_brief:
        atom_entry.summary(entry.original_title)
    else:
        atom_entry.content(entries.content(feed.language, card.arxiv_id), type="html")
        for name in entry.authors:
            atom_entry.author(name=name)
    for term, label in entry.topics:
        atom_entry.category(term=term, label=label)
    return atom_entry


def _json_item(feed: Feed, card: Card, entries: Entries) -> dict[str, Any]:
    entry = entries.entry(feed.language, card)
    item: dict[str, Any] = {
        "id": entry.id,
        "url": entry.url,
        "external_url": entry.arxiv_url,
        "title": entry.title,
        "date_published": entry.published.isoformat(),
        "date_modified": entry.updated.isoformat(),
        "tags": [label for _, label in entry.topics],
    }
    if feed.is_brief:
        item["content_text"] = entry.original_title
    else:
        item["content_html"] = entries.content(feed.language, card.arxiv_id)
        item["authors"] = [{"name": name} for name in entry.authors]
    return item


def _newest(cards: Sequence[Card], language: str) -> Sequence[Card]:
    """The newest papers with a text in the language, by time of listing: votes do not count."""
    shown = [card for card in cards if language in card.sources and card.status != "withdrawn"]
    return nlargest(NEWEST, shown, key=lambda card: (card.listed_at, card.arxiv_id))


def _page_of(arxiv_id: str) -> str:
    return f"p/{arxiv_id}.html"


def _updated(card: Card, language: str) -> datetime:
    return max(card.listed_at, card.written.get(language, card.listed_at))


def _plain(text: str) -> str:
    """The text on one line, without the characters that XML forbids: feedgen raises on them."""
    return one_line(str(printable(text)))
