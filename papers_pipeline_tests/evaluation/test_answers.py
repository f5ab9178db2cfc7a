"""The answers that an evaluation judges."""

import json
from pathlib import Path

import pytest

from papers_pipeline.evaluation.answers import AnswerError, answers_of_file, sampled
from papers_pipeline_tests.helpers.buying import PAPER, STAGES

STAGE = STAGES["summaries_en"]
STORED = {PAPER.arxiv_id: PAPER}
OUTPUT = {"title": "Kettles warn early", "text": "A text."}


def lines(folder: Path, *rows: object) -> Path:
    path = folder / "answers.jsonl"
    written = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("\n".join(written), encoding="utf-8")
    return path


def test_a_line_about_a_stored_paper_needs_no_title_and_abstract(tmp_path: Path):
    path = lines(tmp_path, {"arxiv_id": PAPER.arxiv_id, "output": OUTPUT}, "")
    (answer,) = answers_of_file(path, STAGE, STORED)
    assert (answer.title, answer.abstract) == (PAPER.title, PAPER.abstract)
    assert answer.output.text == "A text."
    assert not answer.absent


def test_a_line_about_another_paper_brings_its_own(tmp_path: Path):
    row = {"arxiv_id": "2601.00001", "output": OUTPUT, "title": "Tea", "abstract": "Leaves."}
    (answer,) = answers_of_file(lines(tmp_path, row), STAGE, STORED)
    assert answer.variables == {"title": "Tea", "abstract": "Leaves."}


def test_an_answer_may_lack_what_other_digests_do_not_write(tmp_path: Path):
    row = {"arxiv_id": PAPER.arxiv_id, "output": {"text": "A text."}}
    (answer,) = answers_of_file(lines(tmp_path, row), STAGE, STORED, ("title",))
    assert answer.absent == {"title"}
    with pytest.raises(AnswerError, match=r"line 1: title: Field required"):
        answers_of_file(lines(tmp_path, row), STAGE, STORED)


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("{", "line 2: Expecting property name"),
        ({"output": OUTPUT}, "line 2: arxiv_id: Field required"),
        ({"arxiv_id": "2601.1", "output": OUTPUT}, "line 2: no stored day lists 2601.1"),
        ({"arxiv_id": PAPER.arxiv_id, "output": {"title": 1, "text": ""}}, "line 2: title"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, row, fault):
    good = {"arxiv_id": PAPER.arxiv_id, "output": OUTPUT}
    with pytest.raises(AnswerError, match=fault):
        answers_of_file(lines(tmp_path, good, row), STAGE, STORED)


def test_a_sample_is_always_the_same_whatever_the_order(tmp_path: Path):
    rows = []
    for number in range(20):
        rows.append(
            {"arxiv_id": f"2601.{number:05}", "output": OUTPUT, "title": "T", "abstract": "A"}
        )
    answers = answers_of_file(lines(tmp_path, *rows), STAGE, {})
    ids = [answer.arxiv_id for answer in sampled(answers, 5)]
    assert len(set(ids)) == 5
    assert ids == [answer.arxiv_id for answer in sampled(answers[::-1], 5)]
