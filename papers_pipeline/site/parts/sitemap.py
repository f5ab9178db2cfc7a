"""What search engines ask for: `robots.txt`, and where the site has an address the sitemap of all its pages
(https://www.sitemaps.org/protocol.html). Each page names its other languages itself."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from papers_pipeline.site.catalogue import Card, Catalogue, digest
from papers_pipeline.site.page import Page
from papers_pipeline.site.parts import archive
from papers_pipeline.site.parts.collections import institutions_of, topics_of
from papers_pipeline.site.periods import month_of, week_of
from papers_pipeline.site.render import Renderer

if TYPE_CHECKING:
    from papers_pipeline.site.issue_reader import Issues

MOST_URLS = 50_000
"""Of one file, as the protocol has it; more than these are split into `sitemap-1.xml`, `sitemap-2.xml` and so on."""
DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
SITEMAPS = "http://www.sitemaps.org/schemas/sitemap/0.9"

Place = tuple[str, date]
"""A page below `<lang>/`, and the day on which what it shows last changed."""


def robot_pages(renderer: Renderer, catalogue: Catalogue, issues: "Issues") -> Iterator[Page]:
    """`robots.txt` and the sitemap."""
    lines = ["User-agent: *", "Allow: /"]
    if renderer.site_url:
        lines.append(f"Sitemap: {renderer.absolute('sitemap.xml')}")
        yield from _sitemap(renderer, places(catalogue))
    yield Page("robots.txt", digest(lines), partial(_text, lines))


def places(catalogue: Catalogue) -> Sequence[Place]:
    """All pages of a language that have something to read, papers first and by their days, so that of a sitemap in
    several files a new day leaves the first alone; votes move nothing."""
    changed = {card.arxiv_id: _changed(card) for card in catalogue.cards}
    days = {day.date: day.date for day in catalogue.days if day.papers}
    for card in catalogue.cards:
        days[card.day] = max(days.get(card.day, card.day), changed[card.arxiv_id])
    spans: dict[str, date] = {}
    for day, when in days.items():
        for span in (month_of(day), week_of(day)):
            spans[span.path] = max(spans.get(span.path, when), when)
    shelves = [*topics_of(catalogue), *institutions_of(catalogue)]
    newest = max(days.values(), default=None)
    return [
        *(
            (f"p/{card.arxiv_id}.html", changed[card.arxiv_id])
            for card in sorted(catalogue.cards, key=lambda it: (it.day, it.arxiv_id))
        ),
        *((f"d/{day}.html", when) for day, when in sorted(days.items())),
        *sorted(spans.items()),
        *sorted(
            (shelf.path, max(changed[card.arxiv_id] for card in shelf.cards)) for shelf in shelves
        ),
        *((f"reading/{day.date}.html", day.date) for day in catalogue.days if day.reading),
        *(
            (path, newest)
            for path in (
                archive.PATH,
                "trends.html",
                "reading/index.html",
                "search.html",
                "index.html",
            )
            if newest
        ),
    ]


def _changed(card: Card) -> date:
    moments: Iterable[datetime] = (card.listed_at, *card.written.values())
    return max(moments).date()


def _sitemap(renderer: Renderer, found: Sequence[Place]) -> Iterator[Page]:
    size = MOST_URLS // len(renderer.languages)
    parts = [found[start : start + size] for start in range(0, len(found), size)] or [found]
    if len(parts) == 1:
        yield Page("sitemap.xml", _fingerprint(renderer, found), partial(_urlset, renderer, found))
        return
    newest = {
        f"sitemap-{number}.xml": max(day for _, day in part) for number, part in enumerate(parts, 1)
    }
    for path, part in zip(newest, parts, strict=True):
        yield Page(path, _fingerprint(renderer, part), partial(_urlset, renderer, part))
    fingerprint = digest([(path, str(day)) for path, day in newest.items()])
    yield Page("sitemap.xml", fingerprint, partial(_index, renderer, list(newest.items())))


def _fingerprint(renderer: Renderer, found: Sequence[Place]) -> str:
    return digest([renderer.languages, [(path, day.toordinal()) for path, day in found]])


def _urlset(renderer: Renderer, found: Sequence[Place]) -> bytes:
    roots = [escape(renderer.absolute(language)) for language in renderer.languages]
    lines = [f'{DECLARATION}<urlset xmlns="{SITEMAPS}">']
    for path, day in found:
        lines += [f"<url><loc>{root}/{path}</loc><lastmod>{day}</lastmod></url>" for root in roots]
    return _text([*lines, "</urlset>"])


def _index(renderer: Renderer, files: Sequence[Place]) -> bytes:
    lines = [f'{DECLARATION}<sitemapindex xmlns="{SITEMAPS}">']
    lines += [
        f"<sitemap><loc>{escape(renderer.absolute(path))}</loc><lastmod>{day}</lastmod></sitemap>"
        for path, day in files
    ]
    return _text([*lines, "</sitemapindex>"])


def _text(lines: Iterable[str]) -> bytes:
    return ("\n".join(lines) + "\n").encode()
