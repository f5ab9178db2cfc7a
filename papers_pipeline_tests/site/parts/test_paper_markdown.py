"""A paper's page as Markdown says what the page says, and no text becomes markup."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from upath import UPath

from papers_pipeline.records import IssueAuthor, IssueNote, IssuePaper, IssueText, NoteStatement
from papers_pipeline.site.day_pages import write_day
from papers_pipeline.site.parts.paper_markdown import paper_markdown
from papers_pipeline.site.parts.paper_page import PaperPage
from papers_pipeline.site.writer import Site
from papers_pipeline.text.markdown import escaped, link
from papers_pipeline_tests.helpers.pages import (
    DAY,
    HOSTILE,
    LANGUAGES,
    LOCALES,
    SEEN,
    WRITTEN,
    every_case,
    issue,
    links,
    paper,
    renderer,
)

HOSTILE_MARKDOWN = (
    "# [Click](https://evil.example) ![x](https://evil.example/x.png) <b>bold</b> `code` *a* _b_ "
    "~~c~~ &copy; https://evil.example\n\n---\n\n> quote\n\n```\ncode\n```\n| a |\n|---|"
)
OURS = {
    *("https://arxiv.org/abs/2502.00001", "https://arxiv.org/pdf/2502.00001"),
    "https://huggingface.co/papers/2502.00001",
}


def tokens(source: str) -> list[Token]:
    """All tokens of a document, with those inside of blocks."""
    found = []
    for token in MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(source):
        found += [token, *(token.children or [])]
    return found


def targets(source: str) -> set[str]:
    return {str(token.attrs["href"]) for token in tokens(source) if token.type == "link_open"}


def words(source: str) -> str:
    return "\n".join(token.content for token in tokens(source) if token.type == "text")


def headings(source: str) -> list[str]:
    found = tokens(source)
    return [found[n + 1].content for n, token in enumerate(found) if token.type == "heading_open"]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_it_has_what_the_page_says_in_its_language(lang: str):
    known = paper(code_url="https://code.example/a_(b)", published_at=SEEN)
    source = paper_markdown(LOCALES[lang], known, DAY)
    title, text = WRITTEN[lang]
    assert headings(source) == [title, LOCALES[lang].text("paper.abstract")]
    said = words(source)
    for part in (text, known.title, known.abstract, "Ada Example, Bo Sample", "windy-1"):
        assert part in said
    assert "Institute of Invented Bridges" in said
    assert LOCALES[lang].topic("small_models").lower() in said.lower()
    assert "2025-02-06" in said
    assert targets(source) == OURS | {"https://code.example/a_%28b%29"}
    assert source.endswith("\n")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_state_of_a_paper_can_be_written(lang: str):
    for case in every_case().papers:
        source = paper_markdown(LOCALES[lang], case, DAY)
        assert headings(source)[0] == (
            case.summaries.get(lang) or IssueText(state="failed")
        ).title or (headings(source)[0] == case.title)
    gone, withdrawn = every_case().papers[6], every_case().papers[4]
    assert LOCALES[lang].text("paper.gone") in words(paper_markdown(LOCALES[lang], gone, DAY))
    told = LOCALES[lang].text("paper.withdrawn", date="2025-02-06")
    assert told in words(paper_markdown(LOCALES[lang], withdrawn, DAY))


def test_notes_and_what_is_unverified_are_there():
    parts = {
        "problem": [NoteStatement(text="Gusts are seen late.", section="1 Introduction")],
        "limitations": [],
    }
    note = IssueNote(
        state="done", parts=parts, model="windy-2", version=2, created_at=SEEN, unverified=["73"]
    )
    source = paper_markdown(LOCALES["en"], paper(notes={"en": note}), DAY)
    assert headings(source)[2:] == ["Notes on the full text", "The problem", "Limitations"]
    said = words(source)
    assert "Gusts are seen late. (Section: 1 Introduction)" in said
    assert "the sections that the model read do not mention 73." in said
    assert "Written by windy-2 from version 2" in said
    assert "Notes" not in paper_markdown(LOCALES["ru"], paper(notes={"en": note}), DAY)


@pytest.mark.parametrize("evil", [HOSTILE, HOSTILE_MARKDOWN])
def test_no_text_becomes_markup(evil: str):
    text = IssueText(state="done", source="model", title=evil, text=evil, model=evil)
    hostile = paper(
        title=evil,
        abstract=evil,
        authors=[IssueAuthor(name=evil)],
        institutions=[evil],
        project_url="javascript:alert(1)",
        code_url="https://code.example/) [x](https://evil.example)\n# a",
        summaries={"en": text},
    )
    source = paper_markdown(LOCALES["en"], hostile, DAY)
    kinds = {token.type for token in tokens(source)}
    assert kinds <= {
        *("heading_open", "heading_close", "paragraph_open", "paragraph_close", "inline", "text"),
        *("bullet_list_open", "bullet_list_close", "list_item_open", "list_item_close"),
        *("link_open", "link_close", "text_special"),
    }
    assert len(headings(source)) == 2
    (code,) = targets(source) - OURS
    assert code.startswith("https://code.example/%29%20%5Bx%5D%28")


@given(st.text(alphabet="ab12 .)#-+=*_`~[]()<>&\\!|$\n\t:/", max_size=30))
def test_an_escaped_text_is_shown_as_it_is(text: str):
    source = escaped(text)
    shown = tokens(f"{source}\n\nend")
    assert "\n" not in source
    assert {token.type for token in shown} <= {
        *("paragraph_open", "paragraph_close", "inline", "text", "text_special"),
    }


@pytest.mark.parametrize("url", ["javascript:alert(1)", "/d/2026-03-02.html", ""])
def test_a_link_that_leads_nowhere_is_its_label(url: str):
    assert link("a*b", url) == "a\\*b"


def page_and_markdown(folder: Path, shown: IssuePaper, **options) -> tuple[str, str]:
    site = Site(UPath(folder), renderer(**options))
    write_day(site, issue(shown), [PaperPage(DAY, shown)])
    page, markdown = folder / "en/p/2502.00001.html", folder / "en/p/2502.00001.md"
    return page.read_text(encoding="utf-8"), markdown.read_text(encoding="utf-8")


def test_the_page_leads_to_it_and_it_is_beside_the_page(tmp_path: Path):
    page, markdown = page_and_markdown(tmp_path, paper())
    assert links(page).count("../../en/p/2502.00001.md") == 2  # in the head and in the text
    assert markdown == paper_markdown(LOCALES["en"], paper(), DAY)
