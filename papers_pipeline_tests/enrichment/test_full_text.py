"""What of a full text a model is given, and which section an answer means."""

import pytest

from papers_pipeline.enrichment.full_text import CUT, body, named_section, trimmed
from papers_pipeline.records import Section

TITLES = ["1 Introduction", "2. Method", "III. RESULTS", "Limitations", "A Proofs"]


def sections(*titles: str) -> list[Section]:
    return [Section(title=title, text=f"The text of {title}.") for title in titles]


def test_the_body_is_what_stands_between_abstract_and_references():
    printed = [
        *("Abstract", "1 Introduction", "2 Method", "Limitations", "Acknowledgments and Funding"),
        *("Authors’ contributions.", "8 Competing interest statement"),
        *("REFERENCES", "Author Contributions", "A Proofs", "B Limitations and Future Work"),
    ]
    titles = [section.title for section in body(sections(*printed))]
    assert titles == [
        *("1 Introduction", "2 Method", "Limitations", "B Limitations and Future Work")
    ]


def test_a_heading_without_text_is_no_section_to_read():
    assert body([Section(title="1 Introduction", text=" \n")]) == []


def test_a_text_within_the_budget_stays_whole():
    given = sections("1 Introduction", "2 Method")
    assert trimmed(given, 10_000) == given
    assert trimmed([], 10) == []


def test_short_sections_stay_whole_and_long_ones_are_cut_to_one_length_after_a_sentence():
    short = Section(title="1 Introduction", text="Kettles whistle late.")
    long = Section(title="2 Method", text="We listen to every kettle. " * 40)
    longer = Section(title="3 Results", text="It boils at 3.7 minutes. " * 400)
    first, second, third = trimmed([short, long, longer], 621)
    assert first == short
    for section in (second, third):
        assert 270 <= len(section.text) <= 300
        assert section.text.endswith(f". {CUT}")
    assert sum(len(section.text) for section in (first, second, third)) <= 621


def test_a_sentence_longer_than_the_budget_is_cut_inside():
    (cut,) = trimmed([Section(title="1 Proof", text="x" * 500)], 50)
    assert len(cut.text) <= 50
    assert cut.text.endswith(CUT)


@pytest.mark.parametrize(
    ("reference", "title"),
    [
        ("1 Introduction", "1 Introduction"),
        ("introduction", "1 Introduction"),
        ("2", "2. Method"),
        ("§2", "2. Method"),
        ("Section 2: Method", "2. Method"),
        ("2 METHOD", "2. Method"),
        ("Results", "III. RESULTS"),
        ("Section III", "III. RESULTS"),
        ("limitations", "Limitations"),
        ("A Proofs", "A Proofs"),
    ],
)
def test_a_section_is_named_by_heading_name_or_number(reference: str, title: str):
    assert named_section(reference, TITLES) == title


@pytest.mark.parametrize(
    "reference", ["4 Ablations", "Abstract", "2.1", "Section 7", "", "§", "Method and Results"]
)
def test_a_section_that_the_paper_does_not_have_is_none(reference: str):
    assert named_section(reference, TITLES) is None
