"""A paper's page offers the reader's own assistants; nothing is sent before a click."""

from urllib.parse import parse_qs, urlsplit

import pytest

from papers_pipeline.records import IssuePaper
from papers_pipeline.site.parts.paper_page import PaperPage, paper_page
from papers_pipeline.text.formulas import plain
from papers_pipeline_tests.helpers.pages import (
    DAY,
    HOSTILE,
    LANGUAGES,
    LOCALES,
    elements,
    paper,
    renderer,
    text_of,
)

URL = "https://digest.example/papers"
ASK = {
    "Claude": "https://claude.ai/new?q={question}",
    "Own": "https://ask.example/?model=a&text={question}#now",
}


def offered(shown: IssuePaper, lang: str = "en", url: str | None = URL, ask=ASK) -> dict[str, str]:
    """The address behind each assistant's name on the page of a paper."""
    page = paper_page(renderer(url, ask=ask), PaperPage(DAY, shown), lang)
    found = {}
    for link in elements(page, "a"):
        if link.get("rel"):
            assert link.get("rel") == "noopener nofollow noreferrer"
            found[text_of(link)] = link.get("href")
    return found


@pytest.mark.parametrize("lang", LANGUAGES)
def test_each_assistant_gets_the_question_in_the_language_of_the_page(lang: str):
    found = offered(paper(), lang)
    assert list(found) == ["Claude", "Own"]
    question = LOCALES[lang].text(
        "paper_page.question",
        title="Sensor Bridges Foresee Gusts",
        url=f"{URL}/{lang}/p/2502.00001.html",
    )
    claude, own = (urlsplit(found[name]) for name in ("Claude", "Own"))
    assert (claude.netloc, parse_qs(claude.query)) == ("claude.ai", {"q": [question]})
    assert parse_qs(own.query) == {"model": ["a"], "text": [question]}
    assert own.fragment == "now"


def test_without_an_address_of_the_site_the_question_leads_to_arxiv():
    (question,) = parse_qs(urlsplit(offered(paper(), url=None)["Claude"]).query)["q"]
    assert "(https://arxiv.org/abs/2502.00001)" in question


def test_no_title_breaks_the_address():
    title = HOSTILE + " & q=2 #end {question} {title} %00 \u202e"
    found = urlsplit(offered(paper(title=title))["Own"])
    asked = parse_qs(found.query)
    assert asked.keys() == {"model", "text"}
    assert plain(HOSTILE)[:40] in asked["text"][0]
    assert found.fragment == "now"
    assert "\u202e" not in asked["text"][0]


def test_a_long_title_is_cut():
    address = offered(paper(title="Bridges " * 500))["Claude"]
    assert len(address) < 1500


def test_nothing_is_offered_if_it_is_off():
    assert offered(paper(), ask={}) == {}
