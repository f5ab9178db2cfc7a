"""The feeds: Atom and JSON Feed of each language, topic, institution and author.

https://www.rfc-editor.org/rfc/rfc4287 and https://www.jsonfeed.org/version/1.1/. Feeds need
absolute URLs, so a site without an address has none.

An entry is a paper in a language, and its id depends on these two only. A corrected text changes
the entry's `updated`, so no reader shows it as new. A paper without a text in the language is left
out: readers would fetch the empty entry once and never see its text.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache, partial
from itertools import groupby

from feedgen.entry import FeedEntry
from feedgen.feed import FeedGenerator

from papers_pipeline.base.characters import one_line
from papers_pipeline.records import IssuePaper
from papers_pipeline.site.catalogue import Card, Catalogue, digest
from papers_pipeline.site.issue_reader import IssueReader
from papers_pipeline.site.page import Page
from papers_pipeline.site.parts.collections import Collection, collections_of
from papers_pipeline.site.render import Renderer, capitalized, printable
from papers_pipeline.text.locales import Locale

NEWEST = 50
CACHED_ENTRIES = 12_288
"""2.5 kB each."""
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""The `updated` of a feed without entries."""


@dataclass(frozen=True)
class Feed:
    """A feed in a language, its papers newest first.

    `stem` is its path below the site's root without the ending `.xml` or `.json`, `page` that of
    the page with the same papers.
    """

    language: str
    stem: str
    page: str
    title: str
    cards: Sequence[Card]

    @property
    def updated(self) -> datetime:
        """When an entry last changed."""
        return max((_updated(card, self.language) for card in self.cards), default=NEVER)

    @property
    def fingerprint(self) -> str:
        """Hash of what the feed shows. Votes are not part of it."""
        entries: list[object] = [self.title]
        for card in self.cards:
            entry = card.entries.get(self.language)
            entries.append([card.arxiv_id, entry, str(card.listed_at)])
        return digest(entries)


@dataclass(frozen=True)
class Entry:
    """A paper as a feed shows it. `content` is HTML, `topics` are pairs of name and label."""

    id: str
    url: str
    arxiv_url: str
    title: str
    content: str
    authors: Sequence[str]
    topics: Sequence[tuple[str, str]]
    published: datetime
    updated: datetime


class Entries:
    """Makes the entries of papers. The last ones stay in memory: several feeds have them."""

    def __init__(self, renderer: Renderer, catalogue: Catalogue, issues: IssueReader) -> None:
        self.renderer = renderer
        self._catalogue = catalogue
        self._issues = issues
        self.entry = lru_cache(CACHED_ENTRIES)(self._entry)

    def _entry(self, language: str, arxiv_id: str) -> Entry:
        card = self._catalogue.by_id[arxiv_id]
        paper = self._issues.texts(card.day, arxiv_id)
        return _entry(language, card, paper, self.renderer)


def feed_pages(renderer: Renderer, catalogue: Catalogue, issues: IssueReader) -> Iterator[Page]:
    """The feeds of every language, and of every topic, institution and author with a page."""
    if not renderer.site_url:
        return
    entries = Entries(renderer, catalogue, issues)
    for language in renderer.languages:
        title = renderer.locales[language].text("site.name")
        newest = _newest(catalogue.cards, language)
        feed = Feed(language, f"{language}/feed", f"{language}/index.html", title, newest)
        yield from _files(feed, [feed.stem], entries)
    # One language after another, so that all its entries can stay in memory.
    collections = collections_of(catalogue)
    for language in renderer.languages:
        for collection in collections:
            feed = _feed(renderer.locales[language], collection)
            stems = [collection.stem, *collection.former_stems]
            yield from _files(feed, [f"{language}/{stem}" for stem in stems], entries)


def _feed(locale: Locale, collection: Collection) -> Feed:
    is_topic = collection.kind == "topic"
    name = capitalized(locale.topic(collection.name)) if is_topic else _plain(collection.name)
    return Feed(
        language=locale.code,
        stem=f"{locale.code}/{collection.stem}",
        page=f"{locale.code}/{collection.path}",
        title=f"{name} · {locale.text('site.name')}",
        cards=_newest(collection.cards, locale.code),
    )


def _files(feed: Feed, stems: Sequence[str], entries: Entries) -> Iterator[Page]:
    """The feed as Atom and JSON Feed, under each of the stems."""
    fingerprint = feed.fingerprint
    for stem in stems:
        yield Page(f"{stem}.xml", fingerprint, partial(atom, feed, entries))
        yield Page(f"{stem}.json", fingerprint, partial(json_feed, feed, entries))


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
        entry = entries.entry(feed.language, card.arxiv_id)
        generator.add_entry(_atom_entry(entry), order="append")
    return bytes(generator.atom_str(pretty=True))


def json_feed(feed: Feed, entries: Entries) -> str:
    """The feed as JSON Feed."""
    renderer = entries.renderer
    locale = renderer.locales[feed.language]
    items = []
    for card in feed.cards:
        entry = entries.entry(feed.language, card.arxiv_id)
        item = {
            "id": entry.id,
            "url": entry.url,
            "external_url": entry.arxiv_url,
            "title": entry.title,
            "content_html": entry.content,
            "date_published": entry.published.isoformat(),
            "date_modified": entry.updated.isoformat(),
            "authors": [{"name": name} for name in entry.authors],
            "tags": [label for _, label in entry.topics],
            "language": locale.html,
        }
        items.append(item)
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


def _atom_entry(entry: Entry) -> FeedEntry:
    atom_entry = FeedEntry()
    atom_entry.id(entry.id)
    atom_entry.title(entry.title)
    # feedgen 1.0 drops the `rel` of an entry's links. A link without one means the page itself, so
    # there can be only one.
    atom_entry.link(href=entry.url)
    atom_entry.published(entry.published)
    atom_entry.updated(entry.updated)
    atom_entry.content(entry.content, type="html")
    for name in entry.authors:
        atom_entry.author(name=name)
    for term, label in entry.topics:
        atom_entry.category(term=term, label=label)
    return atom_entry


def _newest(cards: Sequence[Card], language: str) -> Sequence[Card]:
    """The newest papers with a text in the language, by time of listing: votes do not count."""
    shown = []
    for card in cards:
        if language in card.sources and card.status != "withdrawn":
            shown.append(card)
    newest: list[Card] = []
    for _, cards_of_day in groupby(shown, key=lambda card: card.day):
        newest += cards_of_day
        if len(newest) >= NEWEST:
            break
    newest.sort(key=lambda card: (card.listed_at, card.arxiv_id), reverse=True)
    return newest[:NEWEST]


def _entry(language: str, card: Card, paper: IssuePaper, renderer: Renderer) -> Entry:
    locale = renderer.locales[language]
    page = f"p/{card.arxiv_id}.html"
    arxiv_url = f"https://arxiv.org/abs/{card.arxiv_id}"
    authors = []
    for author in paper.authors:
        name = _plain(author.name)
        if name:
            authors.append(name)
    return Entry(
        id=f"{arxiv_url}#{language}",
        url=renderer.absolute(f"{language}/{page}"),
        arxiv_url=arxiv_url,
        title=_plain(card.slogans.get(language) or card.title),
        content=renderer.page("entry.html.j2", language, page, paper=paper).strip(),
        authors=authors,
        topics=[(name, locale.topic(name)) for name in card.topics],
        published=card.listed_at,
        updated=_updated(card, language),
    )


def _updated(card: Card, language: str) -> datetime:
    return max(card.listed_at, card.written.get(language, card.listed_at))


def _plain(text: str) -> str:
    """The text on one line, without the characters that XML forbids: feedgen raises on them."""
    return one_line(str(printable(text)))
