"""What the project promises of texts by models: bought once, again only when needed, never lost."""

import asyncio
import time
from pathlib import Path

import pytest
import yaml

from papers_pipeline.base import loop
from papers_pipeline.base.per_paper import NullProgress
from papers_pipeline.cli import price_question
from papers_pipeline.enrichment.enrich import enrich
from papers_pipeline.enrichment.stages import load_stages
from papers_pipeline.llm import turns
from papers_pipeline.llm.models import Models
from papers_pipeline.prompts.prompt import PACKAGED
from papers_pipeline.records import Paper
from papers_pipeline.sandbox.world import Fault, Reply
from papers_pipeline.settings import load_settings
from papers_pipeline.store.purchases import Purchases
from papers_pipeline.wiring import coordination_of
from papers_pipeline_tests.helpers.building import Pipeline, overlay_prompt
from papers_pipeline_tests.helpers.outside import (
    FEED,
    LANGUAGES,
    LONG_AGO,
    PROMPTS,
    READING,
    WRITTEN,
    Outside,
    calls_for,
    entry,
    kettles,
)
from papers_pipeline_tests.helpers.terminal import one_line, papers, start, wait_until

DAY, NEXT_DAY = "2026-03-02", "2026-03-03"


def test_a_day_built_without_keys_and_then_with_buys_exactly_the_pending_rows(
    outside: Outside, pipeline: Pipeline, monkeypatch
):
    empty = entry("2603.10009", title="No abstract", summary="")
    outside.list(DAY, [*kettles(1, 2), empty])
    pipeline.build_day(DAY)
    assert outside.calls() == {}
    outside.offer(monkeypatch)
    report = pipeline.build_day(DAY)
    assert outside.calls() == calls_for(2)
    assert {name: report.spent[name].calls for name in WRITTEN} == dict.fromkeys(WRITTEN, 2)
    for paper in pipeline.json(DAY)["papers"]:
        state = "pending" if paper["id"] == "2603.10009" else "done"
        assert {text["state"] for text in paper["summaries"].values()} == {state}
        assert paper["topics"]["source"] == ("keywords" if state == "pending" else "model")


def test_the_last_providers_key_alone_gives_everything(
    outside: Outside, pipeline: Pipeline, monkeypatch
):
    outside.list(DAY, kettles(1))
    outside.offer(monkeypatch, "mistral")
    pipeline.build_day(DAY)
    (paper,) = pipeline.json(DAY)["papers"]
    assert {text["provider"] for text in paper["summaries"].values()} == {"mistral"}
    assert {text["source"] for text in paper["summaries"].values()} == {"model"}
    assert paper["topics"]["source"] == "model"
    assert paper["emoji"]
    assert {call.provider for call in outside.world.calls} == {"mistral"}


def test_a_server_without_keys_and_one_model_give_everything(
    outside: Outside, pipeline: Pipeline, monkeypatch
):
    outside.list(DAY, kettles(1))
    outside.offer(monkeypatch, "openai", key=None)
    monkeypatch.setenv("PAPERS_MODEL", "openai:qwen3:8b")
    pipeline.build_day(DAY)
    (paper,) = pipeline.json(DAY)["papers"]
    assert {text["model"] for text in paper["summaries"].values()} == {"qwen3:8b"}
    assert {call.model for call in outside.world.calls} == {"qwen3:8b"}
    assert paper["topics"]["source"] == "model"


def test_a_changed_word_buys_its_own_prompt_anew_and_then_issue_and_pages_follow(
    outside: Outside, pipeline: Pipeline, monkeypatch, tmp_path
):
    outside.list(DAY, kettles(1, 2, 3))
    outside.offer(monkeypatch)
    pipeline.build_day(DAY)
    outside.calls()
    others = {name: pipeline.rows(name, DAY) for name in WRITTEN if name != "summaries_ru"}
    version = pipeline.rows("summaries_ru", DAY)[0].prompt_version
    overlay_prompt(tmp_path, monkeypatch, "summary.ru.md", "Точно и живо", "Просто и живо")
    assert pipeline.stale(DAY) == {"summaries_ru"}
    pipeline.build_day(DAY)
    assert outside.calls() == {"ru": 3}
    assert {name: pipeline.rows(name, DAY) for name in others} == others
    new = pipeline.rows("summaries_ru", DAY)[0].prompt_version
    assert new != version
    assert new in pipeline.page(DAY, "ru")
    assert version not in pipeline.page(DAY, "ru")
    assert pipeline.stale(DAY) == set()


def test_a_changed_prompt_whose_calls_fail_loses_no_text(
    outside: Outside, bought: Pipeline, monkeypatch, tmp_path
):
    before = bought.files()
    overlay_prompt(tmp_path, monkeypatch, "summary.ru.md", "Точно и живо", "Просто и живо")
    outside.world.replies.append(Reply("refusal", language="ru", times=99))
    report = bought.build_day(DAY)
    assert report.assets["summaries_ru"].failed == 2
    assert bought.files() == before


def test_a_fallback_model_a_keyword_rule_and_a_guardrail_buy_nothing(
    outside: Outside, bought: Pipeline, monkeypatch, tmp_path
):
    before = bought.files()
    for name, old, new in (
        ("summary.ru.md", "  - openai:gpt-6.1-terra\n", ""),
        ("topics.yaml", "  keywords:", "  keywords:\n    - kettles?"),
        ("terms.txt", "dropout", "dropout\ndrastically"),
    ):
        overlay_prompt(tmp_path, monkeypatch, name, old, new)
    bought.build_day(DAY)
    assert outside.calls() == {}
    assert bought.files() == before


def test_a_topics_label_is_not_part_of_its_prompt():
    """Labels stand in the locales, names and scopes in the prompt's version."""
    listed = yaml.safe_load((PACKAGED / "topics.yaml").read_text(encoding="utf-8"))
    assert {key for topic in listed for key in topic} == {"name", "scope", "keywords"}


def test_a_paper_that_moved_is_not_bought_again(outside: Outside, pipeline: Pipeline, monkeypatch):
    outside.list(DAY, kettles(1, 2))
    outside.list(NEXT_DAY, [])
    outside.offer(monkeypatch)
    pipeline.build_day(DAY)
    outside.calls()
    outside.list(DAY, kettles(2))
    outside.list(NEXT_DAY, kettles(1))
    pipeline.build(DAY, NEXT_DAY)
    assert outside.calls() == {}
    (paper,) = pipeline.json(NEXT_DAY)["papers"]
    assert {text["source"] for text in paper["summaries"].values()} == {"model"}


def test_a_growing_day_buys_only_what_is_new(outside: Outside, pipeline: Pipeline, monkeypatch):
    outside.offer(monkeypatch)
    bought = []
    for hour, count in ((8, 9), (12, 10), (16, 12)):
        outside.list(DAY, kettles(*range(count)))
        pipeline.build(DAY, only=(*FEED, *WRITTEN, *READING), at=f"{DAY}T{hour:02}:00")
        bought.append(outside.calls())
    assert bought == [calls_for(9), calls_for(1, tasks=0), calls_for(2, tasks=0)]


def test_after_a_kill_no_finished_text_is_asked_for_again(
    outside: Outside, pipeline: Pipeline, monkeypatch
):
    outside.list(DAY, kettles(*range(30)))
    outside.offer(monkeypatch)
    pipeline.build(DAY, only=FEED)
    monkeypatch.setenv("PAPERS_LLM_CONCURRENCY", "3")
    # Far fewer than the 30 that are needed, so that the process cannot finish before the kill.
    monkeypatch.setenv("PAPERS_LLM_REQUESTS_PER_MINUTE", "8")
    build = start("build", "--date", DAY, "--only", "topic_tags")
    wait_until(lambda: len(outside.world.calls) >= 8)
    build.kill()
    build.communicate()
    cached = len(list((pipeline.data / "purchases" / "topic_tags").glob("*/*.json")))
    begun = outside.calls().total()
    assert 0 < cached < 30
    assert begun - cached <= 3
    monkeypatch.delenv("PAPERS_LLM_REQUESTS_PER_MINUTE")
    pipeline.build(DAY, only=("topic_tags",))
    assert outside.calls().total() == 30 - cached
    assert {row.state for row in pipeline.rows("topic_tags", DAY)} == {"done"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "second", [DAY, NEXT_DAY], ids=["one day", "two days with papers in common"]
)
def test_two_processes_never_buy_the_same(outside: Outside, monkeypatch, second):
    outside.list(DAY, kettles(1, 2, 3))
    outside.list(NEXT_DAY, kettles(2, 3, 4))
    outside.offer(monkeypatch)
    outside.world.latency_seconds = 0.2
    builds = [start("build", "--date", day) for day in (DAY, second)]
    outputs = [build.communicate(timeout=300)[0] for build in builds]
    assert [build.returncode for build in builds] == [0, 0], outputs
    assert outside.calls() == (calls_for(3) if second == DAY else calls_for(4, tasks=2))


def test_all_builds_together_keep_the_requests_a_minute(outside: Outside, pipeline, monkeypatch):
    """Two days at once, as two processes build them, in a minute that is a second long."""
    outside.offer(monkeypatch)
    stage = load_stages(PROMPTS)["topic_tags"]
    listed = [
        Paper(
            arxiv_id=f"2603.1000{number}",
            title=f"Kettle {number}",
            abstract=f"Kettle number {number} whistles late.",
            authors=[],
            first_seen_at=LONG_AGO,
        )
        for number in range(6)
    ]

    async def buy(days: list[list[Paper]]) -> None:
        buyers = [
            enrich(stage, day, models=limited(2, 1.0), concurrency=8, progress=NullProgress())
            for day in days
        ]
        await asyncio.gather(*buyers)

    def limited(requests: int, seconds: float) -> Models:
        settings = load_settings()
        coordination = coordination_of(settings)
        purchases = Purchases(settings.data / "purchases", coordination, pipeline.clock)
        return Models(
            settings.access,
            data=settings.data,
            coordination=coordination,
            purchases=purchases,
            clock=pipeline.clock,
            concurrency=8,
            requests_per_minute=requests,
            window_seconds=seconds,
        )

    started = time.monotonic()
    loop.run(buy([listed[:3], listed[3:]]))
    # Two at once, two a second later, two another second later: never faster, however idle.
    assert time.monotonic() - started >= 2.0
    assert outside.calls() == {"topic_tags": 6}


def test_a_wait_is_told_on_the_terminal_in_the_log_and_in_the_ui(
    outside: Outside, pipeline: Pipeline, monkeypatch
):
    monkeypatch.setattr(turns, "NOTED_SECONDS", 1.0)
    outside.offer(monkeypatch, "openai")
    outside.list(DAY, kettles(1))
    pipeline.build(DAY, only=FEED)
    outside.world.faults.append(Fault("/openai/", 429, headers={"Retry-After": "2"}))
    pipeline.build(DAY, only=("topic_tags",))
    waiting = "waiting for openai: it answered that there were too many requests (2 s)"
    assert pipeline.watcher.notes.count(waiting) == 1
    logs = [path.read_text() for path in (pipeline.data / "logs").glob("*/*.log")]
    assert sum(log.count(f" {DAY} {waiting}\n") for log in logs) == 1
    run = pipeline.instance.get_runs(limit=1)[0]
    messages = [entry.user_message for entry in pipeline.instance.all_logs(run.run_id)]
    assert messages.count(waiting) == 1


def test_redo_asks_again_keeps_the_old_answer_and_rebuilds_every_day(
    outside: Outside, pipeline: Pipeline, monkeypatch
):
    outside.list(DAY, kettles(1, 2))
    outside.list(NEXT_DAY, kettles(1))
    outside.offer(monkeypatch)
    pipeline.build(DAY, NEXT_DAY)
    outside.calls()
    slogan = "Kettles that warn a minute early"
    text = pipeline.rows("summaries_en", DAY)[0].text
    outside.world.replies.append(Reply(content={"title": slogan, "text": text}))
    result = papers("redo", "2603.10001", "--only", "summaries_en")
    assert result.exit_code == 0, result.output
    assert outside.calls() == {"en": 1}
    for day in (DAY, NEXT_DAY):
        assert slogan in pipeline.page(day)
    shown = papers("show", "2603.10001").stdout
    assert "summaries_en, replaced, asked 2026-03-20" in shown
    assert slogan in shown


def test_redo_in_vain_is_exit_status_1_and_changes_nothing(outside: Outside, bought: Pipeline):
    before = bought.files()
    outside.world.replies.append(Reply("refusal", times=99))
    result = papers("redo", "2603.10001", "--only", "summaries_en")
    assert result.exit_code == 1
    assert "the old answer stays" in one_line(result.stderr)
    assert bought.files() == before


def test_redo_says_what_it_buys_beside_its_answer_and_asks_above_a_dollar(
    outside: Outside, bought: Pipeline, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    alone = papers("redo", "2603.10001", "--only", "summaries_en")
    assert "come too" not in alone.stderr
    assert outside.calls() == {"en": 1}
    overlay_prompt(tmp_path, monkeypatch, "summary.en.md", "You", "You, the editor,")
    told = papers("redo", "2603.10001", "--only", "summaries_en")
    assert "the texts of the same days that are stale or missing come too" in told.stderr
    assert outside.calls() == {"en": 2}
    overlay_prompt(tmp_path, monkeypatch, "summary.en.md", "You", "You, the writer,")
    monkeypatch.setattr(price_question, "ASK_ABOVE_USD", 0.0)
    refused = papers("redo", "2603.10001", "--only", "summaries_en")
    assert refused.exit_code == 2
    assert "add --yes" in refused.stderr
    assert outside.calls() == {}
    assert papers("redo", "2603.10001", "--only", "summaries_en", "--yes").exit_code == 0
    assert outside.calls() == {"en": 2}


def test_show_prints_messages_replies_and_verdicts(
    outside: Outside, pipeline: Pipeline, monkeypatch
):
    outside.list(DAY, kettles(1))
    outside.offer(monkeypatch)
    outside.world.replies.append(
        Reply(content={"topics": ["KETTLES"]}, language="en", times=1, title="Kettle 1")
    )
    pipeline.build(DAY, only=(*FEED, "topic_tags"))
    shown = papers("show", "2603.10001").stdout
    assert "You file machine-learning papers under the topics of a closed list" in shown
    assert "Kettle number 1 whistles late." in shown
    assert '{"topics": ["KETTLES"]}' in shown
    assert 'The topic "KETTLES" is not in the list' in shown
    assert shown.rstrip().endswith("passes")


def test_a_closed_provider_is_reported_by_the_summary_and_by_a_check(
    outside: Outside, pipeline: Pipeline, monkeypatch
):
    outside.list(DAY, kettles(1))
    outside.offer(monkeypatch, "anthropic", key="wrong-key")
    outside.offer(monkeypatch, "openai")
    result = papers("build", "--date", DAY)
    assert result.exit_code == 0
    assert "anthropic:claude-sonnet-5-5 was no longer asked:" in one_line(result.stderr)
    assert "wrong-key" not in result.output
    assert {row.provider for row in pipeline.rows("summaries_ru", DAY)} == {"openai"}


def test_prompts_lists_versions_and_chains(outside: Outside, monkeypatch):
    outside.offer(monkeypatch, "mistral")
    listed = one_line(papers("prompts").stdout)
    for language in LANGUAGES:
        assert f"summary.{language} summaries_{language}" in listed
    assert "topic_tags topic_tags" in listed
    assert "(openai:gpt-6-luna), (anthropic:claude-haiku-5-5), mistral:mistral-small-latest" in (
        listed
    )
