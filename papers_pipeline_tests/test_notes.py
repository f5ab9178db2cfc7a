"""Notes on the full text of a day's papers with the most votes: bought once, and only on demand."""

import json
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from papers_pipeline.sandbox.notes import PARTS
from papers_pipeline.sandbox.world import Reply
from papers_pipeline.store.ledger import FileLedger
from papers_pipeline_tests.helpers.building import Pipeline, build_once, overlay_prompt
from papers_pipeline_tests.helpers.outside import LANGUAGES, LONG_AGO, Outside, entry
from papers_pipeline_tests.helpers.pages import elements, shown, text_of
from papers_pipeline_tests.helpers.terminal import one_line, papers

pytestmark = pytest.mark.slow
DAY = "2026-03-02"
NOTES = tuple(f"notes_{language}" for language in LANGUAGES)
FIRST, SECOND, THIRD = "2603.10001", "2603.10002", "2603.10003"


def votes(first: int, second: int, third: int) -> list[dict]:
    upvotes = {FIRST: first, SECOND: second, THIRD: third}
    return [
        entry(arxiv_id, title=f"Kettle {arxiv_id}", upvotes=number)
        for arxiv_id, number in upvotes.items()
    ]


def note_calls(outside: Outside) -> dict[str, int]:
    calls = outside.calls()
    return {asset: calls[asset] for asset in NOTES if calls[asset]}


def noted(pipeline: Pipeline, asset: str = "notes_en") -> list[str]:
    return [row.arxiv_id for row in pipeline.rows(asset, DAY) if row.state == "done"]


def plan() -> dict[str, dict]:
    """The rows of the plan for notes, by asset."""
    result = papers("plan", "--json")
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)["rows"]
    return {row["asset"]: row for row in rows if row["asset"].startswith("notes_")}


@pytest.fixture
def day(outside: Outside, pipeline: Pipeline, monkeypatch) -> Pipeline:
    """A day of three papers with PDFs. Nothing is built yet, and notes are off."""
    outside.world.substitute_pdfs = True
    outside.list(DAY, votes(5, 9, 7))
    outside.offer(monkeypatch)
    return pipeline


@pytest.fixture
def without(day: Pipeline, shared: Path, outside: Outside) -> Pipeline:
    """The day, built without notes."""
    build_once(day, shared / "without_notes", lambda: day.build_day(DAY))
    return day


@pytest.fixture
def with_notes(day: Pipeline, shared: Path, outside: Outside, monkeypatch) -> Pipeline:
    """The day, built with notes on two of its papers."""
    monkeypatch.setenv("PAPERS_NOTES_TOP", "2")
    build_once(day, shared / "with_notes", lambda: day.build_day(DAY))
    outside.calls()
    return day


def test_a_day_without_notes_asks_plans_and_shows_none(without: Pipeline, outside: Outside):
    assert note_calls(outside) == {}
    assert plan() == {}
    assert not (without.data / "lake" / "notes_en").exists()
    assert all("notes" not in paper for paper in without.json(DAY)["papers"])
    page = (without.site / "en" / "p" / f"{SECOND}.html").read_text(encoding="utf-8")
    assert "Notes on the full text" not in page


def test_the_papers_with_most_votes_get_notes_in_every_language(with_notes: Pipeline):
    for asset in NOTES:
        rows = with_notes.rows(asset, DAY)
        assert [(row.arxiv_id, row.state, row.version) for row in rows] == [
            (SECOND, "done", 1),
            (THIRD, "done", 1),
        ]
    by_id = {paper["id"]: paper for paper in with_notes.json(DAY)["papers"]}
    assert "notes" not in by_id[FIRST]
    published = by_id[SECOND]["notes"]
    assert set(published) == set(LANGUAGES)
    english = published["en"]
    assert (english["state"], english["reason"], english["version"]) == ("done", None, 1)
    assert (english["provider"], english["model"]) == ("openai", "gpt-6-luna")
    parts = ["problem", "method", "evidence", "limitations", "remember"]
    assert list(english["parts"]) == parts
    parsed = {row.arxiv_id: row for row in with_notes.rows("parsed_text", DAY)}[SECOND]
    printed = {section.title for section in parsed.sections}
    for statements in english["parts"].values():
        assert {statement["section"] for statement in statements} <= printed


def test_the_page_of_the_paper_shows_each_statement_with_its_section(with_notes: Pipeline):
    (english,) = (row for row in with_notes.rows("notes_en", DAY) if row.arxiv_id == SECOND)
    page = (with_notes.site / "en" / "p" / f"{SECOND}.html").read_text(encoding="utf-8")
    headings = [text_of(heading) for heading in elements(page, "h3")]
    assert headings == [
        *("The problem", "The method", "The evidence", "Limitations", "What to remember")
    ]
    for statements in english.parts.values():
        for statement in statements:
            assert f"{statement.text} Section: {statement.section}" in shown(page)
    assert "from version 1 of the PDF on arXiv" in shown(page)
    russian = (with_notes.site / "ru" / "p" / f"{SECOND}.html").read_text(encoding="utf-8")
    assert "Заметки по полному тексту" in shown(russian)
    assert "по PDF версии 1 на arXiv" in shown(russian)
    assert "Notes on the full text" not in with_notes.page(DAY)


def test_votes_move_and_buy_no_notes_and_a_larger_number_buys_only_what_it_adds(
    with_notes: Pipeline, outside: Outside, monkeypatch
):
    outside.list(DAY, votes(50, 9, 7))
    with_notes.build_day(DAY)
    assert note_calls(outside) == {}
    assert noted(with_notes) == [SECOND, THIRD]
    assert {asset: row["state"] for asset, row in plan().items()} == dict.fromkeys(NOTES, "current")
    monkeypatch.setenv("PAPERS_NOTES_TOP", "3")
    assert {asset: row["calls"] for asset, row in plan().items()} == dict.fromkeys(NOTES, 1)
    with_notes.build_day(DAY)
    assert note_calls(outside) == dict.fromkeys(NOTES, 1)
    assert [noted(with_notes, asset) for asset in NOTES] == [[SECOND, THIRD, FIRST]] * len(NOTES)
    monkeypatch.setenv("PAPERS_NOTES_TOP", "1")
    with_notes.build_day(DAY)
    assert note_calls(outside) == {}
    assert noted(with_notes) == [SECOND, THIRD, FIRST]


def test_switched_on_later_notes_are_planned_with_their_price_and_refreshed(
    without: Pipeline, outside: Outside, monkeypatch
):
    outside.calls()
    monkeypatch.setenv("PAPERS_NOTES_TOP", "2")
    for row in plan().values():
        assert (row["state"], row["papers"], row["calls"]) == ("missing", 2, 2)
        assert row["input_tokens"] > 20_000
        assert row["usd"] > 0
    assert papers("refresh", "--yes").exit_code == 0
    assert outside.calls() == dict.fromkeys(NOTES, 2)
    assert {row["calls"] for row in plan().values()} == {0}
    assert noted(without) == [SECOND, THIRD]


def test_switched_off_again_they_leave_the_pages_of_rebuilt_days_and_stay_stored(
    with_notes: Pipeline, outside: Outside, monkeypatch
):
    monkeypatch.delenv("PAPERS_NOTES_TOP")
    with_notes.build_day(DAY)
    assert all("notes" not in paper for paper in with_notes.json(DAY)["papers"])
    assert noted(with_notes) == [SECOND, THIRD]
    monkeypatch.setenv("PAPERS_NOTES_TOP", "2")
    with_notes.build_day(DAY)
    assert note_calls(outside) == {}
    assert sum("notes" in paper for paper in with_notes.json(DAY)["papers"]) == 2


def test_a_changed_prompt_buys_only_its_own_notes_again(
    with_notes: Pipeline, outside: Outside, monkeypatch, tmp_path: Path
):
    overlay_prompt(tmp_path, monkeypatch, "notes.ru.md", "научный редактор", "газетный редактор")
    stale = {asset: row["calls"] for asset, row in plan().items()}
    assert stale == {"notes_ru": 2, "notes_en": 0, "notes_zh": 0}
    compared = papers("prompts", "diff", "notes.ru", "--sample", "1", "--yes")
    assert compared.exit_code == 0, compared.output
    assert "problem: Это утверждение номер 1" in one_line(compared.stdout)
    figures = one_line(compared.stdout.partition("figures")[2])
    assert "numbers that the source has" in figures
    assert "statements about a paper 5.0 5.0" in figures
    assert papers("refresh", "--yes").exit_code == 0
    assert outside.calls() == {"notes_ru": 2}


def test_notes_are_bought_by_batch_and_moving_votes_waste_none_of_them(
    day: Pipeline, outside: Outside, monkeypatch
):
    monkeypatch.setenv("PAPERS_NOTES_TOP", "2")
    outside.world.batch_seconds = 7200
    submitted = papers("build", "--date", DAY, "--batch")
    assert submitted.exit_code == 0, submitted.output
    outside.world.now = LONG_AGO + timedelta(hours=1)
    assert papers("build", "--date", DAY, "--yes", now=outside.world.now).exit_code == 0
    assert {row.reason for asset in NOTES for row in day.rows(asset, DAY)} == {"in_batch"}

    outside.list(DAY, votes(50, 9, 7))
    outside.world.now = LONG_AGO + timedelta(hours=3)
    assert papers("build", "--date", DAY, "--yes", now=outside.world.now).exit_code == 0
    assert note_calls(outside) == {}
    spent = FileLedger(day.data / "ledger").spent(LONG_AGO.date())
    lines = [line for line in spent if line.asset in NOTES]
    assert all(line.batch for line in lines)
    bought = sorted((line.asset, line.arxiv_id) for line in lines)
    assert bought == sorted((asset, paper) for asset in NOTES for paper in (SECOND, THIRD))
    assert [noted(day, asset) for asset in NOTES] == [[SECOND, THIRD]] * len(NOTES)


def test_notes_wait_for_the_budget_and_are_bought_later(
    without: Pipeline, outside: Outside, monkeypatch
):
    outside.calls()
    monkeypatch.setenv("PAPERS_NOTES_TOP", "1")
    monkeypatch.setenv("PAPERS_DAILY_BUDGET_USD", "0.000001")
    without.build_day(DAY)
    assert note_calls(outside) == {}
    assert {row.reason for asset in NOTES for row in without.rows(asset, DAY)} == {"budget"}
    assert {row["calls"] for row in plan().values()} == {1}
    monkeypatch.delenv("PAPERS_DAILY_BUDGET_USD")
    without.build_day(DAY)
    assert note_calls(outside) == dict.fromkeys(NOTES, 1)
    assert noted(without) == [SECOND]


def test_what_no_section_has_is_marked_on_the_page_and_counted(
    without: Pipeline, outside: Outside, monkeypatch
):
    parsed = {row.arxiv_id: row for row in without.rows("parsed_text", DAY)}[SECOND]
    section = parsed.sections[1].title
    told = {"text": "The kettle warns the cook 97531 seconds ahead.", "section": section}
    outside.world.replies.append(
        Reply(content={part: [told] for part in PARTS}, language="en", title=SECOND, times=99)
    )
    monkeypatch.setenv("PAPERS_NOTES_TOP", "1")
    checks = without.run_job("build_day", DAY).get_asset_check_evaluations()
    (check,) = (
        one for one in checks if one.asset_key == dg.AssetKey("notes_en") and not one.passed
    )
    assert (check.check_name, check.severity) == ("verified", dg.AssetCheckSeverity.WARN)
    assert check.metadata[SECOND].value == "not in sections: 97531"
    assert papers("costs").stdout.splitlines()[-1] == "unverified texts: 1"
    assert "1 text has unverified details" in shown(without.page(DAY))
    assert "непроверенными" not in shown(without.page(DAY, "ru"))
    page = (without.site / "en" / "p" / f"{SECOND}.html").read_text(encoding="utf-8")
    assert "the sections that the model read do not mention 97531." in shown(page)
    notes = {paper["id"]: paper.get("notes") for paper in without.json(DAY)["papers"]}[SECOND]
    assert notes["en"]["unverified"] == ["97531"]
    assert "unverified" not in notes["ru"]


def test_one_paper_s_notes_can_be_asked_for_again_and_shown(with_notes: Pipeline, outside: Outside):
    result = papers("redo", SECOND, "--only", "notes_en")
    assert result.exit_code == 0, result.output
    assert note_calls(outside) == {"notes_en": 1}
    told = one_line(papers("show", SECOND).stdout)
    assert f"notes_en {DAY}" in told
    assert "You read a machine-learning paper from beginning to end" in told
