"""What search engines ask for: `robots.txt`, and the sitemap if the site has an address.

https://www.sitemaps.org/protocol.html. Each page itself names its other languages.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from xml.sax.saxutils import escape

from papers_pipeline.site.catalogue import Card, Catalogue, digest
from papers_pipeline.site.issue_reader import IssueReader
from papers_pipeline.site.page import Page
from papers_pipeline.site.parts import archive, data_page, reading_index, search_page, trends
from papers_pipeline.site.parts.collections import collections_of
from papers_pipeline.site.periods import month_of, week_of
from papers_pipeline.site.render import Renderer

MOST_URLS = 50_000
"""The protocol's limit for one file. More go to `sitemap-1.xml`, `sitemap-2.xml` and so on."""
SINGLE_PAGES = (
    archive.PATH,
    trends.PATH,
    reading_index.PATH,
    search_page.PATH,
    data_page.PATH,
    "index.html",
)
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
SITEMAPS = "http://www.sitemaps.org/schemas/sitemap/0.9"

Location = tuple[str, date]
"""A page's path below `<lang>/`, and the day on which its content last changed."""


def robot_pages(renderer: Renderer, catalogue: Catalogue, issues: IssueReader) -> Iterator[Page]:
    """`robots.txt` and the sitemap."""
    lines = ["User-agent: *", "Allow: /"]
    if renderer.site_url:
        lines.append(f"Sitemap: {renderer.absolute('sitemap.xml')}")
        yield from _sitemap(renderer, locations(catalogue))
    yield Page("robots.txt", digest(lines), partial(_text, lines))


def locations(catalogue: Catalogue) -> Sequence[Location]:
    """All pages of a language with something to read.

    Papers come first, in order of their days: if there are several files, a new day leaves the
    first unchanged. Votes do not count as a change.
    """
    changed = {card.arxiv_id: _changed(card) for card in catalogue.cards}
    found: list[Location] = []
    for card in sorted(catalogue.cards, key=lambda card: (card.day, card.arxiv_id)):
        found.append((f"p/{card.arxiv_id}.html", changed[card.arxiv_id]))
    days = _days(catalogue, changed)
    for day, when in sorted(days.items()):
        found.append((f"d/{day}.html", when))
    found += _spans(days)
    found += _collections(catalogue, changed)
    for built in catalogue.days:
        if built.reading:
            found.append((f"reading/{built.date}.html", built.date))
    if days:
        newest = max(days.values())
        found += [(path, newest) for path in SINGLE_PAGES]
    return found


def _days(catalogue: Catalogue, changed: Mapping[str, date]) -> dict[date, date]:
    """When each day with papers last changed. `changed` says so of papers, by arXiv id."""
    days = {day.date: day.date for day in catalogue.days if day.papers}
    for card in catalogue.cards:
        days[card.day] = max(days.get(card.day, card.day), changed[card.arxiv_id])
    return days


def _spans(days: Mapping[date, date]) -> list[Location]:
    """The months and weeks of these days. `days` maps each to when it last changed."""
    spans: dict[str, date] = {}
    for day, when in days.items():
        for span in (month_of(day), week_of(day)):
            spans[span.path] = max(spans.get(span.path, when), when)
    return sorted(spans.items())


def _collections(catalogue: Catalogue, changed: Mapping[str, date]) -> list[Location]:
    """The topics and institutions."""
    collections = []
    for collection in collections_of(catalogue):
        newest = max(changed[card.arxiv_id] for card in collection.cards)
        collections.append((collection.path, newest))
    return sorted(collections)


def _changed(card: Card) -> date:
    return max([card.listed_at, *card.written.values()]).date()


def _sitemap(renderer: Renderer, found: Sequence[Location]) -> Iterator[Page]:
    size = MOST_URLS // len(renderer.languages)
    if len(found) <= size:
        yield _url_file("sitemap.xml", renderer, found)
        return
    files = []
    for number, start in enumerate(range(0, len(found), size), 1):
        part = found[start : start + size]
        path = f"sitemap-{number}.xml"
        yield _url_file(path, renderer, part)
        files.append((path, max(day for _, day in part)))
    fingerprint = digest([(path, str(day)) for path, day in files])
    yield Page("sitemap.xml", fingerprint, partial(_file_list, renderer, files))


def _url_file(path: str, renderer: Renderer, found: Sequence[Location]) -> Page:
    days = [(page, day.toordinal()) for page, day in found]
    return Page(path, digest([renderer.languages, days]), partial(_url_list, renderer, found))


def _url_list(renderer: Renderer, found: Sequence[Location]) -> str:
    roots = [escape(renderer.absolute(language)) for language in renderer.languages]
    lines = [f'{DECLARATION}<urlset xmlns="{SITEMAPS}">']
    for path, day in found:
        lines += [f"<url><loc>{root}/{path}</loc><lastmod>{day}</lastmod></url>" for root in roots]
    lines.append("</urlset>")
    return _text(lines)


def _file_list(renderer: Renderer, files: Sequence[Location]) -> str:
    lines = [f'{DECLARATION}<sitemapindex xmlns="{SITEMAPS}">']
    for path, day in files:
        url = escape(renderer.absolute(path))
        lines.append(f"<sitemap><loc>{url}</loc><lastmod>{day}</lastmod></sitemap>")
    lines.append("</sitemapindex>")
    return _text(lines)


def _text(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"
