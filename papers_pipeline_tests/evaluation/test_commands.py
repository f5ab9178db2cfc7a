"""`papers prompts eval`: tables, JSON, quoted faults, and what a judge costs."""

import json
import re
from pathlib import Path

import pytest

from papers_pipeline.sandbox.world import SAMPLE
from papers_pipeline_tests.helpers.building import Pipeline, overlay_prompt
from papers_pipeline_tests.helpers.outside import Outside
from papers_pipeline_tests.helpers.samples import LISTED, WRITTEN
from papers_pipeline_tests.helpers.terminal import one_line, papers

DAY = "2026-03-02"
MODEL = "openai:gpt-6-luna"
DOCS = Path(__file__).parents[2] / "docs" / "prompts.md"


def sample_answers(folder: Path, language: str, *fields: str) -> str:
    """The hand-written answers about the sample papers as a file of answers."""
    path = folder / f"{language}.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for arxiv_id, written in WRITTEN.items():
            about = {"title": LISTED[arxiv_id]["title"], "abstract": LISTED[arxiv_id]["summary"]}
            part = written[language] if "text" in fields else written
            output = {name: part[name] for name in fields if name in part}
            line = {"arxiv_id": arxiv_id, "output": output, **about}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    return str(path)


def cells(output: str) -> dict[str, list[str]]:
    """The rows of a table by their first column."""
    rows = {}
    for line in output.splitlines():
        label, *values = re.split(r"\s{2,}", line.strip())
        if values:
            rows[label] = values
    return rows


@pytest.mark.parametrize("language", ["ru", "en", "zh"])
def test_the_documentation_shows_the_figures_of_the_sample_days(tmp_path: Path, language: str):
    block = re.search(
        r"```\n\$ papers prompts eval summaries\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.S
    )
    assert block is not None
    head, *_ = block[1].splitlines()
    column = head.split().index(language)
    answers = sample_answers(tmp_path, language, "emoji", "title", "text")
    result = papers("prompts", "eval", "summaries", "--language", language, "--answers", answers)
    assert result.exit_code == 0, result.output
    measured = cells(result.stdout)
    for label, values in cells(block[1]).items():
        if label == "ru":
            continue
        # A rule that no text breaks has no row.
        assert measured.get(label, ["0"])[0] == values[column], label


def test_the_topics_of_the_sample_answers_are_compared_with_their_labels(tmp_path: Path):
    answers = sample_answers(tmp_path, "topics", "topics")
    labels = str(SAMPLE / "topic_labels.jsonl")
    result = papers("prompts", "eval", "topics", "--answers", answers, "--labels", labels)
    assert result.exit_code == 0, result.output
    rows = cells(result.stdout)
    assert rows["labelled papers"] == ["23"]
    assert rows["invented topics"] == ["0"]
    assert rows["ROBOTICS"] == ["1", "1", "1", "100.0%", "100.0%", "100.0%"]


def test_labels_name_topics_of_the_list(tmp_path: Path):
    labels = tmp_path / "labels.jsonl"
    labels.write_text('{"id": "1", "topics": ["KETTLES"]}')
    result = papers("prompts", "eval", "topics", "--labels", str(labels))
    assert result.exit_code == 2
    assert "labels.jsonl, line 1: no such topic: KETTLES" in one_line(result.stderr)


def test_stored_answers_of_every_language_are_measured_without_a_call(
    outside: Outside, bought: Pipeline
):
    result = papers("prompts", "eval", "summaries")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0].split() == ["ru", "en", "zh"]
    assert cells(result.stdout)["texts"] == ["2", "2", "2"]
    for name in ("topics", "reading"):
        result = papers("prompts", "eval", name)
        assert result.exit_code == 0, result.output
    assert outside.calls() == {}
    nothing = papers("prompts", "eval", "summaries", "--to", "2026-03-01")
    assert nothing.exit_code == 2
    assert "no stored day has an answer of summaries_ru" in one_line(nothing.stderr)


def test_one_json_object_has_the_figures_the_rules_and_the_faults(tmp_path: Path):
    answers = tmp_path / "answers.jsonl"
    output = {"title": "Kettles", "text": "GPT-9 boils 77 kettles."}
    line = {"arxiv_id": "1", "output": output, "title": "Tea", "abstract": "We boil 12 kettles."}
    answers.write_text(json.dumps(line))
    result = papers(
        "prompts", "eval", "summaries", "--language", "en", "--answers", str(answers), "--json"
    )
    (report,) = json.loads(result.stdout)["reports"]
    assert report["source"] == "answers.jsonl"
    assert report["figures"]["number_precision"] == 0
    assert {"severity": "unverified", "rule": "number", "answers": 1} in report["rules"]
    assert {fault["rule"] for fault in report["faults"]["1"]} >= {"number", "name"}


def test_a_judge_is_paid_for_once_and_only_if_the_operator_agrees(
    outside: Outside, bought: Pipeline
):
    command = ("prompts", "eval", "summaries", "--language", "en", "--judge", MODEL)
    unasked = papers(*command)
    assert unasked.exit_code == 2
    assert re.search(rf"Ask {MODEL} \d+ questions for about 0\.\d+ USD\?", one_line(unasked.stderr))
    assert outside.world.calls == []
    result = papers(*command, "--yes")
    assert result.exit_code == 0, result.output
    assert "sentences that the abstract supports" in result.stdout
    calls = len(outside.world.calls)
    assert calls > 0
    assert "eval_support" in papers("costs").stdout
    again = papers(*command)
    assert again.exit_code == 0, again.output
    assert len(outside.world.calls) == calls


def test_a_version_is_compared_with_the_one_before(
    outside: Outside, bought: Pipeline, monkeypatch, tmp_path: Path
):
    earlier = bought.rows("summaries_en", DAY)[0].prompt_version
    overlay_prompt(tmp_path, monkeypatch, "summary.en.md", "Plainly, as to", "Simply, as to")
    bought.build(DAY, only=("summaries_en",))
    command = ("prompts", "eval", "summaries", "--language", "en")
    result = papers(*command, "--against", earlier, "--judge", MODEL, "--yes")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0].split() == ["en", earlier]
    # The sandbox writes the same texts again.
    assert cells(result.stdout)["ties"] == ["2", "2"]
    assert "the order decided 0 of 2 pairs" in one_line(result.stdout)
    unknown = papers(*command, "--against", "0123456789ab")
    assert unknown.exit_code == 2
    assert earlier in one_line(unknown.stderr)


def test_a_judge_needs_a_configured_provider(bought: Pipeline):
    command = ("prompts", "eval", "summaries", "--language", "en", "--judge")
    for model, fault in (
        ("deepseek:deepseek-v4-flash", "the provider deepseek is not configured"),
        ("nonsense", "nonsense"),
    ):
        result = papers(*command, model)
        assert result.exit_code == 2
        assert fault in one_line(result.stderr)
