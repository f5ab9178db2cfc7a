"""The checks of a day's rows."""

import pytest

from papers_pipeline.enrichment.row_checks import Complete, InLanguage, Verified
from papers_pipeline.records import Summary


def row(number: int, **fields) -> Summary:
    given = {"state": "done", "source": "model", "text": "A kettle boils."} | fields
    return Summary(arxiv_id=f"2603.{number:05}", prompt_version="a", input_hash="b", **given)


def failed(number: int) -> Summary:
    return row(number, state="failed", reason="refused", source=None, text=None)


def unaskable(number: int) -> Summary:
    return row(number, state="pending", reason="no_abstract", source=None, text=None)


@pytest.mark.parametrize(
    ("rows", "passed", "is_error", "without"),
    [
        ([row(1), row(2), row(3)], True, False, 0),
        ([row(1), failed(2), row(3)], False, False, 1),
        ([failed(1), failed(2)], False, False, 2),
        ([failed(1), failed(2), failed(3)], False, True, 3),
        ([unaskable(1), unaskable(2), unaskable(3)], True, False, 0),
    ],
)
def test_complete_warns_of_a_missing_answer_and_fails_a_day_of_failures(
    rows, passed, is_error, without
):
    finding = Complete().examine(rows)
    assert (finding.passed, finding.is_error) == (passed, is_error)
    assert finding.notes == {"papers": len(rows), "without": without}
    assert [found.state for found in finding.rows] == ["failed"] * without


def test_in_language_names_the_texts_of_a_model_that_read_as_another_language():
    russian = "Чайник кипит на плите, и вся комната наполняется паром."
    english = "The kettle boils on the stove and the whole room fills with steam."
    stand_in = row(3, source="abstract", text=english)
    finding = InLanguage("ru").examine([row(1, text=russian), row(2, text=english), stand_in])
    assert not finding.passed
    assert finding.notes == {"2603.00002": "reads as en"}


def test_verified_names_what_the_source_does_not_have_and_notes_style():
    styled = row(1, style_notes=["The title has 100 characters."])
    finding = Verified().examine([styled, row(2)])
    assert (finding.passed, finding.notes) == (
        True,
        {"2603.00001 style": "The title has 100 characters."},
    )
    finding = Verified().examine([styled, row(3, unverified=["97%", "GPT-5"])])
    assert (finding.passed, finding.is_error) == (False, False)
    assert finding.notes["2603.00003"] == "not in title or abstract: 97%, GPT-5"


def test_a_mark_counts_for_the_data_version_and_its_absence_does_not():
    assert {"unverified", "style_notes"}.isdisjoint(row(1, style_notes=["Long."]).content())
    assert row(1, unverified=["97%"]).content()["unverified"] == ["97%"]
