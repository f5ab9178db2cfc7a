"""Every page that spans several days, except months and weeks: the parts of the index, in order."""

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from papers_pipeline.records import SiteFile
from papers_pipeline.site.catalogue import Catalogue, read_catalogue
from papers_pipeline.site.issue_reader import IssueReader
from papers_pipeline.site.page import Page
from papers_pipeline.site.parts.archive import archive_pages
from papers_pipeline.site.parts.collections import collection_pages
from papers_pipeline.site.parts.data_page import data_pages
from papers_pipeline.site.parts.feeds import feed_pages
from papers_pipeline.site.parts.front_pages import front_pages
from papers_pipeline.site.parts.my_page import my_pages
from papers_pipeline.site.parts.reading_index import reading_index_pages
from papers_pipeline.site.parts.search_page import search_pages
from papers_pipeline.site.parts.shared_papers import shared_papers
from papers_pipeline.site.parts.sitemap import robot_pages
from papers_pipeline.site.parts.trends import trend_pages
from papers_pipeline.site.render import Renderer
from papers_pipeline.site.writer import Site
from papers_pipeline.store.lake import Lake

# Pages come before those that link to them.
PARTS = (
    shared_papers,
    collection_pages,
    reading_index_pages,
    archive_pages,
    trend_pages,
    search_pages,
    data_pages,
    my_pages,
    feed_pages,
    front_pages,
    robot_pages,
)


def index_pages(renderer: Renderer, catalogue: Catalogue, issues: IssueReader) -> Iterator[Page]:
    """Every page of the index, each part in turn."""
    for part in PARTS:
        yield from part(renderer, catalogue, issues)


def write_index_pages(
    site: Site, lake: Lake, before: Mapping[str, SiteFile]
) -> tuple[Catalogue, Sequence[SiteFile], int]:
    """Write the index pages that changed since `before`, the files of the last build by path.

    Returns the catalogue, all files, and how many changed.
    """
    with _catalogue_outside_gc(lake) as catalogue:
        pages = index_pages(site.renderer, catalogue, IssueReader(lake))
        files, changed = site.write_pages(pages, before)
    return catalogue, files, changed


@contextmanager
def _catalogue_outside_gc(lake: Lake) -> Iterator[Catalogue]:
    """The catalogue, hidden from Python's garbage collector while it is in use.

    Traversing it over and over took a third of the time of an index with few changes.
    """
    gc.disable()
    try:
        catalogue = read_catalogue(lake)
        gc.freeze()
        gc.enable()
        yield catalogue
    finally:
        gc.enable()
        gc.unfreeze()
