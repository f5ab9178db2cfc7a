"""What the project promises of texts by models: bought once, bought anew only by what changed, never lost."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import yaml

from papers_pipeline.prompts.prompt import PACKAGED
from papers_pipeline.sandbox.world import Call, Reply
from papers_pipeline_tests.conftest import Outside, Pipeline, entry
from papers_pipeline_tests.test_cli import papers
from papers_pipeline_tests.test_promises import stale

DAY, NEXT_DAY = "2026-03-02", "2026-03-03"
PAPERS = Path(sys.executable).with_name("papers")
WRITTEN = ("summaries_ru", "summaries_en", "summaries_zh", "topic_tags")
READING = ("reading_task", "reading_translation_ru", "reading_translation_en")


def entries(*numbers: int) -> list[dict]:
    return [
        entry(
            f"2603.{10000 + number}",
            title=f"Kettle {number}",
            summary=f"Kettle number {number} whistles late.",
        )
        for number in numbers
    ]


def calls(outside: Outside) -> Counter[str]:
    """Calls since the last look, by what was asked for."""
    asked = Counter(kind(call) for call in outside.world.calls)
    outside.world.calls.clear()
    return asked


def kind(call: Call) -> str:
    """The language of a summary, or the asset that the call was for."""
    by_fields = {
        ("topics",): "topic_tags",
        ("sentences",): "reading_task",
        ("sentences", "meanings"): f"reading_translation_{call.language}",
    }
    return by_fields.get(call.fields, call.language)


def each(papers: int, tasks: int = 1) -> dict[str, int]:
    """The calls for all texts of so many papers, and for so many reading tasks."""
    return {"ru": papers, "en": papers, "zh": papers, "topic_tags": papers} | dict.fromkeys(
        READING if tasks else (), tasks
    )


def overlay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, old: str, new: str) -> None:
    """Lay a changed copy of a packaged prompt file over it."""
    folder = tmp_path / "prompts"
    folder.mkdir(exist_ok=True)
    text = (PACKAGED / name).read_text(encoding="utf-8")
    assert text.count(old) >= 1
    (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    monkeypatch.setenv("PAPERS_PROMPTS_DIR", str(folder))


def test_a_day_built_without_keys_and_then_with_buys_exactly_the_pending_rows(
    outside: Outside, pipeline: Pipeline, monkeypatch
):
    empty = entry("2603.10009", title="No abstract", summary="")
    outside.list(DAY, [*entries(1, 2), empty])
    pipeline.build(DAY)
    assert calls(outside) == {}
    outside.offer(monkeypatch)
    (report,) = pipeline.build(DAY)
    assert calls(outside) == each(2)
    assert {name: report.spent[name].calls for name in WRITTEN} == dict.fromkeys(WRITTEN, 2)
    for paper in pipeline.json(DAY)["papers"]:
        state = "pending" if paper["id"] == "2603.10009" else "done"
        assert {text["state"] for text in paper["summaries"].values()} == {state}
        assert paper["topics"]["source"] == ("keywords" if state == "pending" else "model")


@pytest.mark.parametrize("provider", ["openai", "mistral", "anthropic"])
def test_any_one_key_gives_everything(outside: Outside, pipeline: Pipeline, monkeypatch, provider):
    outside.list(DAY, entries(1))
    outside.offer(monkeypatch, provider)
    pipeline.build(DAY)
    (paper,) = pipeline.json(DAY)["papers"]
    assert {text["provider"] for text in paper["summaries"].values()} == {provider}
    assert {text["source"] for text in paper["summaries"].values()} == {"model"}
    assert paper["topics"]["source"] == "model"
    assert paper["emoji"]
    assert {call.provider for call in outside.world.calls} == {provider}


def test_a_server_without_keys_and_one_model_give_everything(
    outside: Outside, pipeline: Pipeline, monkeypatch
):
    outside.list(DAY, entries(1))
    outside.offer(monkeypatch, "openai", key=None)
    monkeypatch.setenv("PAPERS_MODEL", "openai:qwen3:8b")
    pipeline.build(DAY)
    (paper,) = pipeline.json(DAY)["papers"]
    assert {text["model"] for text in paper["summaries"].values()} == {"qwen3:8b"}
    assert {call.model for call in outside.world.calls} == {"qwen3:8b"}
    assert paper["topics"]["source"] == "model"


def test_built_twice_nothing_is_asked_and_no_file_differs(
    outside: Outside, pipeline: Pipeline, monkeypatch
):
    outside.list(DAY, entries(1, 2))
    outside.offer(monkeypatch)
    pipeline.build(DAY)
    before = pipeline.files()
    assert calls(outside) == each(2)
    (report,) = pipeline.build(DAY)
    assert calls(outside) == {}
    assert {report.assets[name].reused for name in WRITTEN} == {2}
    assert pipeline.files() == before


def test_a_changed_word_buys_its_own_prompt_anew_and_then_issue_and_pages_follow(
    outside: Outside, pipeline: Pipeline, monkeypatch, tmp_path
):
    outside.list(DAY, entries(1, 2, 3))
    outside.offer(monkeypatch)
    pipeline.build(DAY)
    calls(outside)
    others = {name: pipeline.rows(name, DAY) for name in WRITTEN[1:]}
    version = pipeline.rows("summaries_ru", DAY)[0].prompt_version
    overlay(tmp_path, monkeypatch, "summary.ru.md", "живым, точным", "простым, точным")
    assert stale() == {"summaries_ru"}
    pipeline.build(DAY)
    assert calls(outside) == {"ru": 3}
    assert {name: pipeline.rows(name, DAY) for name in WRITTEN[1:]} == others
    new = pipeline.rows("summaries_ru", DAY)[0].prompt_version
    assert new != version
    assert new in pipeline.page(DAY, "ru")
    assert version not in pipeline.page(DAY, "ru")
    assert stale() == set()


def test_a_changed_prompt_whose_calls_fail_loses_no_text(
    outside: Outside, pipeline: Pipeline, monkeypatch, tmp_path
):
    outside.list(DAY, entries(1, 2))
    outside.offer(monkeypatch)
    pipeline.build(DAY)
    before = pipeline.files()
    overlay(tmp_path, monkeypatch, "summary.ru.md", "живым, точным", "простым, точным")
    outside.world.replies.append(Reply("refusal", language="ru", times=99))
    (report,) = pipeline.build(DAY)
    assert report.assets["summaries_ru"].failed == 2
    assert pipeline.files() == before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("summary.ru.md", "  - openai:gpt-6.1-terra\n", ""),
        ("topics.yaml", "  keywords:", "  keywords:\n    - kettles?"),
        ("terms.txt", "dropout", "dropout\ndrastically"),
    ],
    ids=["a fallback model", "a keyword rule", "a guardrail"],
)
def test_what_does_not_decide_the_answer_buys_nothing(
    outside: Outside, pipeline: Pipeline, monkeypatch, tmp_path, name, old, new
):
    outside.list(DAY, entries(1))
    outside.offer(monkeypatch)
    pipeline.build(DAY)
    before = pipeline.files()
    calls(outside)
    overlay(tmp_path, monkeypatch, name, old, new)
    pipeline.build(DAY)
    assert calls(outside) == {}
    assert pipeline.files() == before


def test_a_topics_label_is_no_part_of_its_prompt(outside: Outside, pipeline: Pipeline, monkeypatch):
    """Labels stand in the locales, names and scopes in the prompt's version."""
    listed = yaml.safe_load((PACKAGED / "topics.yaml").read_text(encoding="utf-8"))
    assert {key for topic in listed for key in topic} == {"name", "scope", "keywords"}


def test_a_paper_that_moved_is_not_bought_again(outside: Outside, pipeline: Pipeline, monkeypatch):
    outside.list(DAY, entries(1, 2))
    outside.list(NEXT_DAY, [])
    outside.offer(monkeypatch)
    pipeline.build(DAY)
    calls(outside)
    outside.list(DAY, entries(2))
    outside.list(NEXT_DAY, entries(1))
    pipeline.build(DAY, NEXT_DAY)
    assert calls(outside) == {}
    (paper,) = pipeline.json(NEXT_DAY)["papers"]
    assert {text["source"] for text in paper["summaries"].values()} == {"model"}


def test_a_growing_day_buys_only_what_is_new(outside: Outside, pipeline: Pipeline, monkeypatch):
    outside.offer(monkeypatch)
    bought = []
    for hour, papers_ in ((8, 9), (12, 10), (16, 12)):
        outside.list(DAY, entries(*range(papers_)))
        pipeline.build(DAY, at=f"{DAY}T{hour:02}:00")
        bought.append(calls(outside))
    assert bought == [each(9), each(1, tasks=0), each(2, tasks=0)]


def start(*arguments: str) -> subprocess.Popen:
    return subprocess.Popen(
        [PAPERS, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def test_after_a_kill_no_finished_text_is_asked_for_again(
    outside: Outside, pipeline: Pipeline, monkeypatch
):
    outside.list(DAY, entries(*range(12)))
    outside.offer(monkeypatch)
    monkeypatch.setenv("PAPERS_LLM_CONCURRENCY", "3")
    outside.world.latency_seconds = 0.3
    build = start("build", "--date", DAY)
    deadline = time.monotonic() + 60
    while len(outside.world.calls) < 8 and time.monotonic() < deadline:
        time.sleep(0.02)
    build.send_signal(signal.SIGKILL)
    build.communicate()
    folder = Path(os.environ["PAPERS_DATA_DIR"]) / "cache"
    cached = sum(len(list(folder.glob(f"{asset}/*/*.json"))) for asset in (*WRITTEN, *READING))
    begun = calls(outside).total()
    assert 0 < cached < 51
    assert begun - cached <= 3
    outside.world.latency_seconds = 0.0
    pipeline.build(DAY)
    assert calls(outside).total() == 51 - cached
    assert {row.state for row in pipeline.rows("summaries_ru", DAY)} == {"done"}


@pytest.mark.parametrize(
    "second", [DAY, NEXT_DAY], ids=["one day", "two days with papers in common"]
)
def test_two_processes_never_buy_the_same(
    outside: Outside, pipeline: Pipeline, monkeypatch, second
):
    outside.list(DAY, entries(1, 2, 3))
    outside.list(NEXT_DAY, entries(2, 3, 4))
    outside.offer(monkeypatch)
    outside.world.latency_seconds = 0.2
    builds = [start("build", "--date", day) for day in (DAY, second)]
    outputs = [build.communicate(timeout=120)[0] for build in builds]
    assert [build.returncode for build in builds] == [0, 0], outputs
    assert calls(outside) == (each(3) if second == DAY else each(4, tasks=2))


def test_two_processes_together_keep_the_requests_a_minute(
    outside: Outside, pipeline: Pipeline, monkeypatch
):
    outside.list(DAY, entries(1, 2, 3))
    outside.list(NEXT_DAY, entries(4, 5, 6))
    outside.offer(monkeypatch)
    monkeypatch.setenv("PAPERS_LLM_REQUESTS_PER_MINUTE", "20")
    builds = [start("build", "--date", day) for day in (DAY, NEXT_DAY)]
    outputs = [build.communicate(timeout=180)[0] for build in builds]
    assert [build.returncode for build in builds] == [0, 0], outputs
    times = sorted(call.at for call in outside.world.calls)
    assert len(times) == 30
    most = max(sum(begin <= at < begin + 60 for at in times) for begin in times)
    assert most == 20


def test_redo_asks_again_keeps_the_old_answer_and_rebuilds_every_day(
    outside: Outside, pipeline: Pipeline, monkeypatch
):
    outside.list(DAY, entries(1, 2))
    outside.list(NEXT_DAY, entries(1))
    outside.offer(monkeypatch)
    pipeline.build(DAY, NEXT_DAY)
    calls(outside)
    slogan = "Kettles that warn a minute early"
    text = pipeline.rows("summaries_en", DAY)[0].text
    outside.world.replies.append(Reply(content={"title": slogan, "text": text}))
    result = papers("redo", "2603.10001", "--only", "summaries_en")
    assert result.exit_code == 0, result.output
    assert calls(outside) == {"en": 1}
    for day in (DAY, NEXT_DAY):
        assert slogan in pipeline.page(day)
    shown = papers("show", "2603.10001").stdout
    assert "summaries_en, replaced, asked 2026-03-20" in shown
    assert slogan in shown


def test_redo_in_vain_is_exit_status_1_and_changes_nothing(
    outside: Outside, pipeline: Pipeline, monkeypatch
):
    outside.list(DAY, entries(1))
    outside.offer(monkeypatch)
    pipeline.build(DAY)
    before = pipeline.files()
    outside.world.replies.append(Reply("refusal", times=99))
    result = papers("redo", "2603.10001", "--only", "summaries_en")
    assert result.exit_code == 1
    assert "the old answer stays" in " ".join(result.stderr.split())
    assert pipeline.files() == before


def test_show_prints_messages_replies_and_verdicts(
    outside: Outside, pipeline: Pipeline, monkeypatch
):
    outside.list(DAY, entries(1))
    outside.offer(monkeypatch)
    outside.world.replies.append(
        Reply(content={"topics": ["KETTLES"]}, language="en", times=1, title="Kettle 1")
    )
    pipeline.build(DAY, only=("feed_response", "feed_listing", "paper_votes"))
    pipeline.build(DAY, only=("topic_tags",))
    shown = papers("show", "2603.10001").stdout
    assert "You file machine-learning papers under the topics of a closed list" in shown
    assert "Kettle number 1 whistles late." in shown
    assert '{"topics": ["KETTLES"]}' in shown
    assert 'The topic "KETTLES" is not in the list' in shown
    assert shown.rstrip().endswith("passes")


def test_a_closed_provider_is_told_in_the_summary_and_by_a_check(
    outside: Outside, pipeline: Pipeline, monkeypatch
):
    outside.list(DAY, entries(1))
    outside.offer(monkeypatch, "anthropic", key="wrong-key")
    outside.offer(monkeypatch, "openai")
    result = papers("build", "--date", DAY)
    assert result.exit_code == 0
    told = " ".join(result.stderr.split())
    assert "anthropic:claude-sonnet-5-5 was not asked any more:" in told
    assert "wrong-key" not in result.output
    assert {row.provider for row in pipeline.rows("summaries_ru", DAY)} == {"openai"}


def test_prompts_lists_versions_and_chains(outside: Outside, monkeypatch):
    outside.offer(monkeypatch, "mistral")
    told = " ".join(papers("prompts").stdout.split())
    for name in ("summary.ru summaries_ru", "summary.en summaries_en", "topic_tags topic_tags"):
        assert name in told
    assert "(openai:gpt-6-luna), (anthropic:claude-haiku-5-5), mistral:mistral-small-latest" in told
