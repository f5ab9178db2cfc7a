"""The feeds: Atom (https://www.rfc-editor.org/rfc/rfc4287) and JSON Feed (https://www.jsonfeed.org/version/1.1/) of a
language, and Atom of a topic. They need absolute addresses, so there are none without an address of the site.

An entry is a paper in a language, and its id is made of these two alone: a text that is corrected changes the
entry's `updated` and never its id, so no reader shows it as a new one. A paper without a text in the language is in no
feed of it: an entry that came empty would be read once and not again when its text is there.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from feedgen.entry import FeedEntry
from feedgen.feed import FeedGenerator

from papers_pipeline.records import IssuePaper
from papers_pipeline.site.catalogue import Card, Catalogue, digest
from papers_pipeline.site.page import Page
from papers_pipeline.site.parts.collections import topics_of
from papers_pipeline.site.render import Renderer, capitalized, printable

if TYPE_CHECKING:
    from papers_pipeline.site.issue_reader import Issues

NEWEST = 50
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""When a feed without entries was updated."""


@dataclass(frozen=True)
class Feed:
    """A feed in a language: its path and that of the page it follows, below the site, and the papers, newest first."""

    language: str
    path: str
    page: str
    title: str
    cards: Sequence[Card]

    @property
    def updated(self) -> datetime:
        """When an entry last changed."""
        return max((_updated(card, self.language) for card in self.cards), default=NEVER)

    @property
    def fingerprint(self) -> str:
        """What the feed is made of, in short: not votes, which it does not show."""
        return digest(
            [
                [card.arxiv_id, card.entries.get(self.language), str(card.listed_at)]
                for card in self.cards
            ]
        )


@dataclass(frozen=True)
class Entry:
    """A paper as a feed shows it. ``content`` is HTML, ``topics`` are names and labels."""

    id: str
    url: str
    arxiv_url: str
    title: str
    content: str
    authors: Sequence[str]
    topics: Sequence[tuple[str, str]]
    published: datetime
    updated: datetime


def feed_pages(renderer: Renderer, catalogue: Catalogue, issues: "Issues") -> Iterator[Page]:
    """The feeds of every language and of every topic that has papers."""
    if not renderer.site_url:
        return
    topics = topics_of(catalogue)
    for language in renderer.languages:
        locale = renderer.locales[language]
        name, front = locale.text("site.name"), f"{language}/index.html"
        newest = _newest(catalogue.cards, language)
        for path, write in ((f"{language}/feed.xml", atom), (f"{language}/feed.json", json_feed)):
            feed = Feed(language, path, front, name, newest)
            yield Page(path, feed.fingerprint, partial(write, feed, renderer, issues))
        for shelf in topics:
            path, page = f"{language}/t/{shelf.key}.xml", f"{language}/{shelf.path}"
            title = f"{capitalized(locale.topic(shelf.name))} · {name}"
            feed = Feed(language, path, page, title, _newest(shelf.cards, language))
            yield Page(path, feed.fingerprint, partial(atom, feed, renderer, issues))


def atom(feed: Feed, renderer: Renderer, issues: "Issues") -> bytes:
    """The feed as Atom."""
    made = FeedGenerator()
    made.id(renderer.absolute(feed.path))
    made.title(feed.title)
    made.language(renderer.locales[feed.language].html)
    made.link(href=renderer.absolute(feed.path), rel="self", type="application/atom+xml")
    made.link(href=renderer.absolute(feed.page), rel="alternate", type="text/html")
    made.author(
        name=renderer.locales[feed.language].text("site.name")
    )  # of the papers that name none
    made.generator("papers_pipeline")
    made.updated(feed.updated)
    for entry in _entries(feed, renderer, issues):
        made.add_entry(_atom_entry(entry), order="append")
    return bytes(made.atom_str(pretty=True))


def json_feed(feed: Feed, renderer: Renderer, issues: "Issues") -> bytes:
    """The feed as JSON Feed."""
    language = renderer.locales[feed.language].html
    made = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "home_page_url": renderer.absolute(feed.page),
        "feed_url": renderer.absolute(feed.path),
        "description": renderer.locales[feed.language].text("site.tagline"),
        "language": language,
        "items": [
            {
                "id": entry.id,
                "url": entry.url,
                "external_url": entry.arxiv_url,
                "title": entry.title,
                "content_html": entry.content,
                "date_published": entry.published.isoformat(),
                "date_modified": entry.updated.isoformat(),
                "authors": [{"name": name} for name in entry.authors],
                "tags": [label for _, label in entry.topics],
                "language": language,
            }
            for entry in _entries(feed, renderer, issues)
        ],
    }
    return (json.dumps(made, ensure_ascii=False, indent=1) + "\n").encode()


def _atom_entry(entry: Entry) -> FeedEntry:
    made = FeedEntry()
    made.id(entry.id)
    made.title(entry.title)
    # One link alone: feedgen 1.0 drops the `rel` of an entry's links, and a link without one is the page itself.
    made.link(href=entry.url)
    made.published(entry.published)
    made.updated(entry.updated)
    made.content(entry.content, type="html")
    for name in entry.authors:
        made.author(name=name)
    for term, label in entry.topics:
        made.category(term=term, label=label)
    return made


def _newest(cards: Sequence[Card], language: str) -> Sequence[Card]:
    """The newest papers that have a text in the language, by the time of their listing: votes do not move them."""
    told = (card for card in cards if language in card.sources and card.status != "withdrawn")
    found: list[Card] = []
    for _, of_day in groupby(told, key=lambda card: card.day):
        found += of_day
        if len(found) >= NEWEST:
            break
    return sorted(found, key=lambda card: (card.listed_at, card.arxiv_id), reverse=True)[:NEWEST]


def _entries(feed: Feed, renderer: Renderer, issues: "Issues") -> Iterator[Entry]:
    for card in feed.cards:
        yield _entry(feed.language, card, issues.paper(card.day, card.arxiv_id), renderer)


def _entry(language: str, card: Card, paper: IssuePaper, renderer: Renderer) -> Entry:
    locale = renderer.locales[language]
    page, arxiv_url = f"p/{card.arxiv_id}.html", f"https://arxiv.org/abs/{card.arxiv_id}"
    return Entry(
        id=f"{arxiv_url}#{language}",
        url=renderer.absolute(f"{language}/{page}"),
        arxiv_url=arxiv_url,
        title=_plain(card.slogans.get(language) or card.title),
        content=renderer.page("entry.html.j2", language, page, paper=paper).strip(),
        authors=[plain for author in paper.authors if (plain := _plain(author.name))],
        topics=[(name, locale.topic(name)) for name in card.topics],
        published=card.listed_at,
        updated=_updated(card, language),
    )


def _updated(card: Card, language: str) -> datetime:
    return max(card.listed_at, card.written.get(language, card.listed_at))


def _plain(text: str) -> str:
    """The text on one line and without the characters that XML forbids, over which feedgen would raise."""
    return " ".join(str(printable(text)).split())
