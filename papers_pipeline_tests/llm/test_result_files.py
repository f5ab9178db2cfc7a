"""Result files of batches lose what no parser reads, and nothing else."""

import asyncio
import gzip
import json

import httpx2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from papers_pipeline.llm.result_files import ResultsClient, parsable

ANY_TEXT = st.text(st.sampled_from('a\\"ud8\ud83d\ude00\ud800\udfff\U0001f600'))
"""Backslashes, halves of surrogate pairs and whole ones, often beside each other."""


@given(ANY_TEXT)
@example("\ud800\ud83d\ude00")
@example("\\ud800")
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


def test_a_body_may_be_compressed_empty_or_moved():
    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/moved":
            return httpx2.Response(307, headers={"Location": "/file"})
        if request.url.path == "/empty":
            return httpx2.Response(204)
        body = gzip.compress(b'"\\ud800a"')
        return httpx2.Response(200, headers={"Content-Encoding": "gzip"}, content=body)

    async def ask(path: str) -> httpx2.Response:
        transport = httpx2.MockTransport(answer)
        async with ResultsClient(transport=transport, follow_redirects=True) as client:
            return await client.get(f"https://api.example{path}")

    assert asyncio.run(ask("/empty")).content == b""
    moved = asyncio.run(ask("/moved"))
    assert (moved.url.path, moved.json(), len(moved.history)) == ("/file", "a", 1)
