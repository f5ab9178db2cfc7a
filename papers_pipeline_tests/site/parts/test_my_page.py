"""The page of what a reader keeps: it is empty until its script fills it, and knows our BibTeX."""

import json

import pytest
from upath import UPath

from papers_pipeline.site.bibtex import ESCAPES
from papers_pipeline.site.catalogue import Catalogue
from papers_pipeline.site.issue_reader import IssueReader
from papers_pipeline.site.parts.my_page import my_pages
from papers_pipeline.store.lake import Lake
from papers_pipeline_tests.helpers.pages import LANGUAGES, LOCALES, elements, renderer


@pytest.fixture
def pages(tmp_path) -> dict[str, str]:
    made = {}
    for page in my_pages(renderer(), Catalogue([], []), IssueReader(Lake(UPath(tmp_path)))):
        made[page.path] = str(page.make())
    return made


def test_each_language_has_one_with_its_own_title(pages):
    assert list(pages) == [f"{lang}/my.html" for lang in LANGUAGES]
    for lang in LANGUAGES:
        (heading,) = elements(pages[f"{lang}/my.html"], "h1")
        assert heading.text == LOCALES[lang].text("my.title")


def test_it_knows_the_escapes_and_commands_of_our_bibtex(pages):
    for page in pages.values():
        (mine,) = [found for found in elements(page, "div") if found.get("class") == "mine"]
        tex = json.loads(mine.get("data-tex"))
        assert tex["escapes"] == ESCAPES
        assert {"alpha", "textbraceleft", "&", "_"} <= set(tex["commands"])
        assert not {"input", "write", "def", "include"} & set(tex["commands"])
