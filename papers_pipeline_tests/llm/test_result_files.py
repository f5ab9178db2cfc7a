"""Result files of batches lose what no parser reads, and nothing else."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers_pipeline.llm.result_files import parsable

ANY_TEXT = st.text(st.characters())  # lone surrogates too


@given(ANY_TEXT)
def test_only_lone_surrogates_are_lost(text: str):
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "ignore")
    assert json.loads(parsable(json.dumps(text).encode())) == whole


@given(ANY_TEXT)
def test_a_text_inside_a_text_stays_as_it_is(text: str):
    """A structured answer is JSON in a string of JSON: its own escapes are two layers deep."""
    inner = json.dumps(text)
    assert json.loads(parsable(json.dumps(inner).encode())) == inner


@pytest.mark.parametrize("mark", ["\x85", "\u2028", "\u2029"])
def test_a_line_ends_where_the_file_says(mark: str):
    lines = [{"text": f"one{mark}line"}, {"text": "another"}]
    body = "\n".join(json.dumps(line, ensure_ascii=False) for line in lines).encode()
    assert [json.loads(line) for line in parsable(body).decode().splitlines()] == lines
