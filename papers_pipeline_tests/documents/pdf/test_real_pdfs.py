"""The parser on real papers, which are not in this repository.

The folder PAPERS_REAL_DATA has them in `pdf/`, and labels made by hand in `labels.jsonl`.
"""

import difflib
import json
import os
import re
import statistics
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from papers_pipeline.documents.pdf.parse import ParsedPdf, parse_pdf

REACH = 3000
DIVIDERS = {"contents", "table of contents", "appendix", "appendices"}


def folder() -> Path:
    return Path(os.environ["PAPERS_REAL_DATA"])


@cache
def parsed() -> dict[str, ParsedPdf]:
    """Every paper of the folder, parsed, by id. A file that cannot be parsed raises."""
    return {path.stem: parse_pdf(path) for path in sorted((folder() / "pdf").glob("*.pdf"))}


@pytest.fixture
def labels() -> list[dict[str, Any]]:
    return [
        json.loads(line)
        for line in (folder() / "labels.jsonl").read_text(encoding="utf-8").splitlines()
    ]


def letters(text: str) -> str:
    """The letters alone, without case, accents, ligatures and markers."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return re.sub(r"[\W\d_]+", "", plain)


def folded(titles: list[str]) -> list[str]:
    plain = [" ".join(unicodedata.normalize("NFKC", title).casefold().split()) for title in titles]
    return [title for title in plain if title not in DIVIDERS]


def test_every_paper_is_parsed():
    assert parsed()
    for arxiv_id, paper in parsed().items():
        assert paper.sections, arxiv_id
        assert paper.header, arxiv_id


def test_no_stamp_remains():
    stamp = re.compile(
        r"arXiv:\d{4}\.\d{4,5}v\d+\s+\[[a-z-]+(?:\.[A-Z]{2})?\]\s+\d{1,2} [A-Z][a-z]{2} \d{4}"
    )
    for arxiv_id, paper in parsed().items():
        texts = [paper.header, *(section.text for section in paper.sections)]
        assert not any(stamp.search(text) for text in texts), arxiv_id


def test_first_level_headings(labels: list[dict[str, Any]]):
    found = wanted = right = perfect = 0
    for label in labels:
        ours = folded([section.title for section in parsed()[label["id"]].sections])
        theirs = folded(label["sections"])
        blocks = difflib.SequenceMatcher(None, ours, theirs, autojunk=False).get_matching_blocks()
        found += len(ours)
        wanted += len(theirs)
        right += sum(block.size for block in blocks)
        perfect += ours == theirs
    assert right / wanted >= 0.98
    assert right / found >= 0.98
    assert perfect >= 26 / 30 * len(labels)


def test_institutions_are_within_reach(labels: list[dict[str, Any]]):
    missing = {}
    for label in labels:
        reach = letters(parsed()[label["id"]].header[:REACH])
        forms = [[name, *label.get("alt", {}).get(name, [])] for name in label["affiliations"]]
        absent = []
        for names in forms:
            if not any(letters(name) in reach for name in names):
                absent.append(names[0])
        if absent:
            missing[label["id"]] = absent
    assert missing == {}


def test_authors_of_the_first_page_are_in_the_header(labels: list[dict[str, Any]]):
    missing = {}
    for label in labels:
        header = letters(parsed()[label["id"]].header)
        absent = [name for name in label["authors"] if letters(name) not in header]
        if absent:
            missing[label["id"]] = absent
    assert missing == {}


def test_headers_are_short(labels: list[dict[str, Any]]):
    assert statistics.median(len(parsed()[label["id"]].header) for label in labels) <= 1200
