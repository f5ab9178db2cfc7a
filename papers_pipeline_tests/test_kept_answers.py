"""Rows of the tables are a second source of purchases: nothing that they hold is bought again."""

import json
import shutil
from pathlib import Path

import pytest

from papers_pipeline.llm.conversation import Provenance
from papers_pipeline.store.purchases import Purchase
from papers_pipeline_tests.conftest import Outside
from papers_pipeline_tests.helpers.building import Pipeline, overlay_prompt
from papers_pipeline_tests.helpers.outside import READING, WRITTEN, kettles
from papers_pipeline_tests.helpers.terminal import papers

DAY, NEXT_DAY = "2026-03-02", "2026-03-03"


def purchases(pipeline: Pipeline) -> dict[Path, Purchase]:
    """The bought answers, by file."""
    found = {}
    for asset in (*WRITTEN, *READING):
        for path in (pipeline.data / "purchases" / asset).glob("*/*.json"):
            found[path] = Purchase.model_validate_json(path.read_bytes())
    return found


def planned_calls() -> int:
    result = papers("plan", "--json")
    assert result.exit_code == 0, result.output
    return sum(row["calls"] for row in json.loads(result.stdout)["rows"])


def test_without_purchases_nothing_is_bought_that_a_row_holds_and_they_are_written_again(
    bought: Pipeline, outside: Outside
):
    before, pages = purchases(bought), bought.files()
    assert len(before) == len(WRITTEN) * 2 + len(READING)
    shutil.rmtree(bought.data / "purchases")
    assert planned_calls() == 0
    outside.calls()
    (report,) = bought.build(DAY)
    assert outside.calls() == {}
    assert {report.assets[name].computed for name in (*WRITTEN, *READING)} == {0}
    after = purchases(bought)
    assert after.keys() == before.keys()
    for path, entry in after.items():
        earlier = before[path]
        assert (entry.value, entry.created_at) == (earlier.value, earlier.created_at)
        assert Provenance.of(entry).model == Provenance.of(earlier).model
    assert pages.items() <= bought.files().items()


def test_another_day_with_the_same_paper_and_no_purchases_buys_only_what_is_new(
    bought: Pipeline, outside: Outside
):
    outside.list(NEXT_DAY, kettles(2, 3))
    shutil.rmtree(bought.data / "purchases")
    outside.calls()
    bought.build_day(NEXT_DAY)
    calls = outside.calls()
    assert {kind: calls[kind] for kind in ("en", "ru", "zh", "topic_tags")} == dict.fromkeys(
        ("en", "ru", "zh", "topic_tags"), 1
    )


def test_without_purchases_and_providers_the_rows_stay(
    bought: Pipeline, outside: Outside, monkeypatch: pytest.MonkeyPatch
):
    rows = {asset: bought.rows(asset, DAY) for asset in (*WRITTEN, *READING)}
    shutil.rmtree(bought.data / "purchases")
    for name in ("OPENAI", "MISTRAL", "ANTHROPIC"):
        monkeypatch.delenv(f"{name}_API_KEY")
        monkeypatch.delenv(f"{name}_BASE_URL")
    (report,) = bought.build(DAY)
    assert {report.assets[name].pending for name in rows} == {0}
    assert {asset: bought.rows(asset, DAY) for asset in rows} == rows


def test_a_redo_and_a_changed_prompt_still_buy(
    bought: Pipeline, outside: Outside, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    old = bought.rows("summaries_ru", DAY)[0]
    shutil.rmtree(bought.data / "purchases")
    outside.calls()
    assert papers("redo", "2603.10001", "--only", "summaries_ru").exit_code == 0
    assert outside.calls() == {"ru": 1}
    (kept,) = [
        Provenance.of(entry).earlier[0]
        for entry in purchases(bought).values()
        if entry.asset == "summaries_ru" and Provenance.of(entry).arxiv_id == old.arxiv_id
    ]
    assert (kept.value["text"], kept.created_at) == (old.text, old.created_at)
    overlay_prompt(tmp_path, monkeypatch, "summary.en.md", "You", "You, the editor,")
    assert planned_calls() == 2
    assert papers("refresh", "--yes").exit_code == 0
    assert outside.calls() == {"en": 2}


def test_an_answer_that_a_changed_prompt_replaces_outlives_its_lost_purchase(
    bought: Pipeline, outside: Outside, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    texts = {row.arxiv_id: row.text for row in bought.rows("summaries_en", DAY)}
    shutil.rmtree(bought.data / "purchases")
    overlay_prompt(tmp_path, monkeypatch, "summary.en.md", "You", "You, the editor,")
    assert papers("refresh", "--yes").exit_code == 0
    assert outside.calls() == {"en": 2}
    monkeypatch.delenv("PAPERS_PROMPTS_DIR")
    assert planned_calls() == 0
    assert papers("refresh", "--yes").exit_code == 0
    assert outside.calls() == {}
    assert {row.arxiv_id: row.text for row in bought.rows("summaries_en", DAY)} == texts
