"""What is out of date, what it costs, and that no more is spent than allowed."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from papers_pipeline.sandbox.world import Reply
from papers_pipeline.store.ledger import FileLedger
from papers_pipeline_tests.helpers.building import Pipeline, build_once, changed, overlay_prompt
from papers_pipeline_tests.helpers.outside import (
    FEED,
    LONG_AGO,
    READ,
    READING,
    WRITTEN,
    Outside,
    calls_for,
    kettles,
)
from papers_pipeline_tests.helpers.terminal import one_line, papers

RUSSIAN = (*FEED, "summaries_ru")
DAYS = tuple(f"2026-03-{number:02}" for number in range(2, 7))


def plan(*arguments: str) -> list[dict]:
    result = papers("plan", "--json", *arguments)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)["rows"]


def behind(*arguments: str) -> list[tuple]:
    """Day, asset, state and calls of what is not current."""
    return [
        (row["day"], row["asset"], row["state"], row["calls"])
        for row in plan(*arguments)
        if row["state"] != "current"
    ]


def spent(pipeline: Pipeline) -> tuple[int, float]:
    """Tokens and USD of the ledger."""
    ledger = FileLedger(pipeline.data / "ledger")
    tokens, usd = 0, 0.0
    for day in ledger.days():
        for spending in ledger.spent(day):
            tokens += spending.input_tokens + spending.output_tokens
            usd += spending.usd or 0.0
    return tokens, usd


@pytest.fixture
def built(outside: Outside, pipeline: Pipeline, monkeypatch, shared: Path) -> Pipeline:
    """Five days: three complete, one whose Russian was refused twice, one with its list alone."""
    outside.offer(monkeypatch)
    for number, day in enumerate(DAYS):
        outside.list(day, kettles(*range(10 * number, 10 * number + 4)))

    def build() -> None:
        outside.world.replies += [
            Reply("html", language="ru", title=f"Kettle {number}", times=9) for number in (30, 31)
        ]
        pipeline.build(*DAYS[:4])
        pipeline.build(DAYS[4], only=FEED)
        outside.world.replies.clear()
        outside.calls()

    build_once(pipeline, shared / "five-days", build)
    pipeline.clock.moment = LONG_AGO + timedelta(hours=2)
    return pipeline


def test_what_was_built_is_current_and_the_rest_is_told(built: Pipeline):
    expected = [(DAYS[3], "summaries_ru", "incomplete", 2)]
    # None of the built papers has a PDF, so none of the next day's is expected to have one.
    expected += [(DAYS[4], asset, "missing", 0) for asset in READ]
    expected += [(DAYS[4], asset, "missing", 4) for asset in WRITTEN]
    expected += [(DAYS[4], asset, "missing", 1) for asset in READING]
    assert sorted(behind()) == sorted(expected)


def test_a_changed_word_is_planned_to_the_paper_and_refreshed_for_the_price_told(
    built: Pipeline, outside: Outside, monkeypatch, tmp_path: Path
):
    before = built.files()
    overlay_prompt(tmp_path, monkeypatch, "summary.ru.md", "Точно и живо", "Просто и живо")
    rows = [row for row in plan() if row["asset"] == "summaries_ru"]
    assert [(row["state"], row["stale"], row["failed"], row["calls"]) for row in rows] == [
        *[("stale", 4, 0, 4)] * 3,
        ("stale", 2, 2, 4),
        ("missing", 4, 0, 4),
    ]
    estimate = [
        (row["input_tokens"] + row["output_tokens"], row["usd"]) for row in plan() if row["calls"]
    ]
    tokens_before, usd_before = spent(built)
    result = papers("refresh", "--yes")
    assert result.exit_code == 0, result.output
    assert outside.calls() == calls_for(4) | {"ru": 20}
    tokens, usd = spent(built)
    assert sum(row[0] for row in estimate) == pytest.approx(tokens - tokens_before, rel=0.2)
    assert sum(row[1] for row in estimate) == pytest.approx(usd - usd_before, rel=0.2)
    assert behind() == []
    pages = {path for path in changed(before, built.files()) if "/d/2026-03-02" in path}
    assert pages == {"ru/d/2026-03-02.html"}


def test_a_prompt_changed_back_is_free(
    bought: Pipeline, outside: Outside, monkeypatch, tmp_path: Path
):
    overlay_prompt(tmp_path, monkeypatch, "summary.ru.md", "Точно и живо", "Просто и живо")
    papers("refresh", "--yes")
    assert outside.calls() == {"ru": 2}
    monkeypatch.delenv("PAPERS_PROMPTS_DIR")
    assert behind() == [(DAYS[0], "summaries_ru", "stale", 0)]
    assert papers("plan").stdout.count("free") == 1
    assert papers("refresh", "--yes").exit_code == 0
    assert outside.calls() == {}
    assert behind() == []
    assert "All current" in papers("plan").stdout


def test_a_text_refused_by_the_new_prompt_is_failed_and_not_built_again_in_vain(
    outside: Outside, bought: Pipeline, monkeypatch, tmp_path: Path
):
    overlay_prompt(tmp_path, monkeypatch, "summary.ru.md", "Точно и живо", "Просто и живо")
    outside.world.replies.append(Reply("refusal", language="ru", title="Kettle 1", times=99))
    papers("refresh", "--yes")
    (row,) = (row for row in plan() if row["state"] != "current")
    assert (row["asset"], row["state"], row["stale"], row["failed"], row["calls"]) == (
        *("summaries_ru", "incomplete"),
        *(0, 1, 0),
    )
    outside.calls()
    assert "2026-03-02" not in papers("refresh", "--yes").stderr
    tomorrow = LONG_AGO + timedelta(days=1)
    again = json.loads(papers("plan", "--json", now=tomorrow).stdout)["rows"]
    assert [row["calls"] for row in again if row["asset"] == "summaries_ru"] == [1]


def test_a_failure_does_not_count_for_a_model_that_was_not_asked(
    outside: Outside, pipeline: Pipeline, monkeypatch
):
    outside.offer(monkeypatch, "openai")
    outside.list(DAYS[0], kettles(1))
    outside.world.replies.append(Reply("refusal", provider="openai", language="ru", times=99))
    pipeline.build_day(DAYS[0])
    assert (DAYS[0], "summaries_ru", "incomplete", 0) in behind()
    outside.offer(monkeypatch, "mistral")
    assert (DAYS[0], "summaries_ru", "incomplete", 1) in behind()
    outside.calls()
    papers("refresh", "--yes")
    assert behind() == []
    assert {(call.provider, call.language) for call in outside.world.calls} == {
        ("openai", "ru"),
        ("mistral", "ru"),
    }


def test_refresh_without_a_terminal_asks_for_yes(built: Pipeline, outside: Outside):
    result = papers("refresh")
    assert result.exit_code == 2
    assert "There is no terminal to ask at: add --yes" in one_line(result.stderr)
    assert outside.calls() == {}


def test_a_range_can_be_planned(built: Pipeline):
    assert {row["day"] for row in plan("--from", DAYS[1], "--to", DAYS[2])} == set(DAYS[1:3])
    assert papers("plan", "--from", "monday").exit_code == 2


def test_a_build_of_more_than_a_dollar_asks(outside: Outside, instance, monkeypatch):
    outside.offer(monkeypatch)
    monkeypatch.setenv("PAPERS_MODEL", "anthropic:claude-opus-5-5")
    outside.list(DAYS[0], kettles(*range(60)))
    result = papers("build", "--date", DAYS[0])
    assert result.exit_code == 2
    assert "These days will cost about" in result.stderr
    assert "add --yes" in one_line(result.stderr)
    assert outside.world.calls == []


def test_costs_say_what_is_estimated(outside: Outside, pipeline: Pipeline, monkeypatch):
    outside.offer(monkeypatch, "openai")
    outside.list(DAYS[0], kettles(1, 2, 3))
    outside.world.replies.append(Reply(language="ru", reports_usage=False, times=2))
    pipeline.build(DAYS[0], only=(*RUSSIAN, "summaries_en"))
    rows = json.loads(papers("costs", "--json").stdout)["rows"]
    marks = {row["asset"]: (row["calls"], row["estimated"]) for row in rows}
    assert marks == {"summaries_ru": (3, 2), "summaries_en": (3, 0)}
    printed = papers("costs").stdout
    assert "estimated calls: 2 (their providers report no tokens)" in printed
    usd = {row["asset"]: f"{row['usd']:.4f}" for row in rows}
    assert f"{usd['summaries_ru']}~" in printed
    assert f"{usd['summaries_en']}~" not in printed


def test_a_budget_stops_buying_and_the_rest_is_bought_later(
    outside: Outside, pipeline: Pipeline, monkeypatch
):
    outside.offer(monkeypatch)
    monkeypatch.setenv("PAPERS_LLM_CONCURRENCY", "1")
    outside.list(DAYS[0], kettles(*range(10)))
    pipeline.build(DAYS[0], only=RUSSIAN, at="2026-03-02T09:00")
    _, whole = spent(pipeline)
    (ledger,) = (pipeline.data / "ledger").glob("*.jsonl")
    highest = max(json.loads(line)["usd"] for line in ledger.read_text().splitlines())
    outside.calls()
    outside.list(DAYS[1], kettles(*range(20, 30)))
    monkeypatch.setenv("PAPERS_DAILY_BUDGET_USD", str(whole * 0.45 + highest))
    pipeline.build(DAYS[1], only=RUSSIAN, at="2026-03-03T09:00")
    rows = pipeline.rows("summaries_ru", DAYS[1])
    done, pending = [("done", None)] * 5, [("pending", "budget")] * 5
    assert [(row.state, row.reason) for row in rows] == done + pending
    assert outside.calls() == {"ru": 5}
    pipeline.build(DAYS[1], only=("summaries_ru",), at="2026-03-04T09:00")
    assert {row.state for row in pipeline.rows("summaries_ru", DAYS[1])} == {"done"}
    assert outside.calls() == {"ru": 5}


def test_a_budget_with_an_unknown_price_stops_before_the_first_call(
    outside: Outside, pipeline: Pipeline, monkeypatch
):
    outside.offer(monkeypatch, "openai")
    outside.list(DAYS[0], kettles(1))
    monkeypatch.setenv("PAPERS_MODEL", "openai:a-model-of-ours")
    monkeypatch.setenv("PAPERS_DAILY_BUDGET_USD", "1")
    report = pipeline.build_day(DAYS[0])
    unknown = "the price of openai:a-model-of-ours is not known: set PAPERS_ASSUME_PRICE_USD"
    assert unknown in report.error
    assert outside.world.calls == []
    monkeypatch.setenv("PAPERS_ASSUME_PRICE_USD", "2")
    report = pipeline.build_day(DAYS[0])
    assert report.error is None
    tokens, usd = spent(pipeline)
    assert usd == pytest.approx(tokens * 2 / 1e6)
