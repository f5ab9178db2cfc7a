"""BibTeX can read every entry, whatever the feed says, and a paper's key never changes."""

from datetime import UTC, datetime

import pytest

from papers_pipeline.records import IssueAuthor
from papers_pipeline.site.bibtex import bibtex, escaped, key
from papers_pipeline_tests.helpers.pages import HOSTILE, paper


def test_an_entry_is_arxivs():
    assert bibtex(paper(published_at=datetime(2025, 2, 5, tzinfo=UTC))).splitlines() == [
        "@misc{example2502.00001,",
        "  title = {{Sensor Bridges Foresee Gusts}},",
        "  author = {Ada Example and Bo Sample},",
        "  year = {2025},",
        "  eprint = {2502.00001},",
        "  archivePrefix = {arXiv},",
        "  url = {https://arxiv.org/abs/2502.00001},",
        "}",
    ]


def test_what_is_not_known_is_left_out_and_the_id_tells_the_year():
    entry = bibtex(paper(authors=[]))
    assert "author" not in entry
    assert entry.startswith("@misc{arxiv2502.00001,")
    assert "  year = {2025}," in entry
    assert "year" not in bibtex(paper("cs/0601001"))


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("Łukasz Kaiser", "kaiser2502.00001"),
        ("Aurélie Lemaître", "lemaitre2502.00001"),
        ("王 小明", "arxiv2502.00001"),
        ("OpenAI", "openai2502.00001"),
    ],
)
def test_the_key_is_plain_and_does_not_hang_on_the_title(name, wanted):
    for title in ("One", "Another"):
        assert key(paper(title=title, authors=[IssueAuthor(name=name)])) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("50% of R&D, #1_a", r"50\% of R\&D, \#1\_a"),
        (
            r"\input{x} ~ ^",
            r"\textbackslash{}input\textbraceleft{}x\textbraceright{} "
            r"\textasciitilde{} \textasciicircum{}",
        ),
        ("a $\\alpha_{i}$-scheme", "a $\\alpha_{i}$-scheme"),
        ("$\\input{x}$", r"\$\textbackslash{}input\textbraceleft{}x\textbraceright{}\$"),
        ("$a}$ b", r"\$a\textbraceright{}\$ b"),
        ("$5 or $6 or $7", r"\$5 or \$6 or \$7"),
        ("line\nbreak\x00", "line break"),
    ],
)
def test_text_is_no_command_but_for_plain_formulas(text, wanted):
    assert escaped(text, formulas=True) == wanted


def test_braces_stay_in_pairs_and_fields_on_their_lines_with_hostile_strings():
    hostile = f"{HOSTILE} }} @misc{{x,\n title = {{y}} {{"
    entry = bibtex(paper(title=hostile, authors=[IssueAuthor(name=hostile), IssueAuthor(name="B")]))
    assert entry.count("{") == entry.count("}")
    assert len(entry.splitlines()) == 8


def test_a_name_that_bibtex_would_split_is_kept_together():
    authors = [IssueAuthor(name=name) for name in ("Meta and Friends", "King, Jr.", "Ada Brand")]
    assert "author = {{Meta and Friends} and {King, Jr.} and Ada Brand}" in bibtex(
        paper(authors=authors)
    )
