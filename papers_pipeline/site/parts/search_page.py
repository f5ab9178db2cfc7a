"""The search page of each language; `search.py` makes the index that it asks."""

from collections.abc import Iterator
from functools import partial

from papers_pipeline.site.catalogue import Catalogue, digest
from papers_pipeline.site.issue_reader import IssueReader
from papers_pipeline.site.page import Page
from papers_pipeline.site.render import Renderer

PATH = "search.html"


def search_pages(renderer: Renderer, catalogue: Catalogue, issues: IssueReader) -> Iterator[Page]:
    """The search page in each language."""
    for language in renderer.languages:
        make = partial(renderer.page, "search.html.j2", language, PATH)
        yield Page(f"{language}/{PATH}", digest(renderer.languages), make)
