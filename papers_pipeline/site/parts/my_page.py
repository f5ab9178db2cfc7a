"""The page of what a reader keeps in the browser: `static/my.js` fills it in."""

from collections.abc import Iterator
from functools import partial

from papers_pipeline.site.bibtex import ESCAPES, known_commands
from papers_pipeline.site.catalogue import Catalogue, digest
from papers_pipeline.site.issue_reader import IssueReader
from papers_pipeline.site.page import Page
from papers_pipeline.site.render import Renderer

PATH = "my.html"


def my_pages(renderer: Renderer, catalogue: Catalogue, issues: IssueReader) -> Iterator[Page]:
    """The page in each language."""
    tex = {"escapes": ESCAPES, "commands": known_commands()}
    for language in renderer.languages:
        make = partial(renderer.page, "my.html.j2", language, PATH, tex=tex)
        yield Page(f"{language}/{PATH}", digest([renderer.languages, tex]), make)
