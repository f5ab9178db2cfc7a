"""The pages that name more than one day, but for months and weeks: each part of the site gives its own, and
`index_pages` puts them in order, pages before those that lead to them."""

import gc
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

from papers_pipeline.records import SiteFile
from papers_pipeline.site.catalogue import Catalogue, digest, read_catalogue
from papers_pipeline.site.issue_reader import Issues
from papers_pipeline.site.page import Page
from papers_pipeline.site.parts.archive import archive_pages
from papers_pipeline.site.parts.collections import shelf_pages
from papers_pipeline.site.parts.feeds import feed_pages
from papers_pipeline.site.parts.reading_pages import reading_index
from papers_pipeline.site.parts.shared_papers import shared_papers
from papers_pipeline.site.parts.sitemap import robot_pages
from papers_pipeline.site.parts.trends import trend_pages
from papers_pipeline.site.render import Renderer, static_files
from papers_pipeline.site.search import search_pages
from papers_pipeline.site.writer import Site
from papers_pipeline.store.lake import Lake


def write_index_pages(
    site: Site, lake: Lake, before: Mapping[str, SiteFile]
) -> tuple[Catalogue, Sequence[SiteFile], int]:
    """Write those pages of the index that have changed since ``before``, the files of the last time by path; returns
    the catalogue they were made from, all files, and how many changed."""
    with _lasting(partial(read_catalogue, lake)) as catalogue:
        files, changed = site.write_pages(
            index_pages(site.renderer, catalogue, Issues(lake)), before
        )
    return catalogue, files, changed


@contextmanager
def _lasting(make: Callable[[], Catalogue]) -> Iterator[Catalogue]:
    """What is made, kept from Python's collector: walking again and again over a catalogue that lasts as long as the
    work is a third of the time of an index of which little changes."""
    gc.disable()
    try:
        made = make()
        gc.freeze()
        gc.enable()
        yield made
    finally:
        gc.enable()
        gc.unfreeze()


def index_pages(renderer: Renderer, catalogue: Catalogue, issues: Issues) -> Iterator[Page]:
    """Every page of the site's index."""
    for part in PARTS:
        yield from part(renderer, catalogue, issues)


def front_pages(renderer: Renderer, catalogue: Catalogue, issues: Issues) -> Iterator[Page]:
    """What pages load, the first page of each language, with the newest day that has a paper, and the site's root."""
    for path, data in static_files().items():
        yield Page(path, hashlib.sha256(data).hexdigest(), partial(bytes, data))
    day = next((it.date for it in reversed(catalogue.days) if it.papers), None)
    newest = issues.of(day) if day else None
    fingerprint = digest(newest.model_dump(mode="json") if newest else None)
    for language in renderer.languages:
        yield Page(
            f"{language}/index.html",
            fingerprint,
            partial(_html, renderer.language_index, newest, language),
        )
    yield Page("index.html", digest(renderer.languages), partial(_html, renderer.root_index))
    yield Page("404.html", digest(renderer.languages), partial(_html, renderer.not_found))


def _html(make: Callable[..., str], *arguments: object) -> bytes:
    return make(*arguments).encode()


def reading_pages(renderer: Renderer, catalogue: Catalogue, _: Issues) -> Iterator[Page]:
    """The reading tasks of all days, by level."""
    tasks = [day.reading for day in catalogue.days if day.reading]
    for language in renderer.languages:
        told = [[str(it.day), it.title, it.level, it.slogans.get(language)] for it in tasks]
        yield Page(
            f"{language}/reading/index.html",
            digest(told),
            partial(_html, reading_index, renderer, tasks, language),
        )


PARTS = (
    shared_papers,
    shelf_pages,
    reading_pages,
    archive_pages,
    trend_pages,
    search_pages,
    feed_pages,
    front_pages,
    robot_pages,
)
