"""Days bought by batch, from the terminal and in the UI: submitted, pending, built."""

import json
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from papers_pipeline import definitions
from papers_pipeline.defs.operations import RefreshConfig
from papers_pipeline.llm.prices import CallTokens, price
from papers_pipeline.sandbox.world import Fault, Reply
from papers_pipeline.settings import load_settings
from papers_pipeline.store.ledger import FileLedger, Spending
from papers_pipeline.wiring import models_of
from papers_pipeline_tests.helpers.building import Pipeline, overlay_prompt
from papers_pipeline_tests.helpers.outside import (
    LANGUAGES,
    LONG_AGO,
    TRANSLATIONS,
    WRITTEN,
    Outside,
    kettles,
)
from papers_pipeline_tests.helpers.terminal import one_line, papers, start, wait_until

DAY, NEXT_DAY = "2026-03-02", "2026-03-03"
pytestmark = pytest.mark.slow
BY_BATCH = (*WRITTEN, "reading_task")
"""The assets whose first questions are known before anything is bought, of a day without PDFs."""


@pytest.fixture
def day(outside: Outside, pipeline: Pipeline, monkeypatch) -> Pipeline:
    """Two papers about kettles in the list of a day, nothing built, batches that take two hours."""
    outside.list(DAY, kettles(1, 2))
    outside.offer(monkeypatch)
    outside.world.batch_seconds = 7200
    return pipeline


def after(outside: Outside, **much: float) -> datetime:
    """A later time, here and outside."""
    outside.world.now = LONG_AGO + timedelta(**much)
    return outside.world.now


def spendings(pipeline: Pipeline) -> list[Spending]:
    ledger = FileLedger(pipeline.data / "ledger")
    return [spending for day in ledger.days() for spending in ledger.spent(day)]


def reasons(pipeline: Pipeline) -> set[tuple[str, str | None]]:
    return {(row.state, row.reason) for asset in BY_BATCH for row in pipeline.rows(asset, DAY)}


def test_a_day_is_submitted_shown_as_pending_and_built_at_half_the_price(
    day: Pipeline, outside: Outside
):
    submitted = papers("build", "--date", DAY, "--batch")
    assert submitted.exit_code == 0, submitted.output
    assert outside.calls() == {}
    said = one_line(submitted.stdout)
    assert "anthropic:claude-sonnet-5-5: 2 texts submitted as batch" in said
    assert f"papers build --date {DAY} takes the answers" in said
    requests = sum(len(batch.requests) for batch in outside.world.batches)
    assert requests == 2 * len(WRITTEN) + 1

    built = papers("build", "--date", DAY, "--yes", now=after(outside, hours=1))
    assert built.exit_code == 0, built.output
    assert "batches with 9 texts are open" in one_line(built.stderr)
    assert outside.calls() == {}
    assert reasons(day) == {("pending", "in_batch")}
    assert "заказан и появится в течение суток" in day.page(DAY, "ru").replace("\xa0", " ")

    built = papers("build", "--date", DAY, "--yes", now=after(outside, hours=3))
    assert built.exit_code == 0, built.output
    assert reasons(day) == {("done", None)}
    # What is asked about an answer is asked when that answer is there.
    assert outside.calls() == dict.fromkeys(TRANSLATIONS, 1)
    by_batch = [line for line in spendings(day) if line.batch]
    assert len(by_batch) == requests
    assert len({line.key for line in by_batch}) == requests
    for line in by_batch:
        tokens = CallTokens(line.input_tokens, line.output_tokens)
        full_usd = price(f"{line.provider}:{line.model}", tokens)
        assert line.usd == pytest.approx(full_usd / 2)

    again = papers("build", "--date", DAY, "--batch", now=after(outside, hours=4))
    assert "Nothing was submitted" in one_line(again.stdout)
    assert len(spendings(day)) == requests + len(TRANSLATIONS)


def test_plan_and_question_say_both_prices(day: Pipeline, outside: Outside, monkeypatch):
    day.build(DAY, only=("feed_response", "feed_listing", "paper_votes"))
    plan = json.loads(papers("plan", "--json").stdout)["rows"]
    usd = sum(row["usd"] for row in plan if row["model"].startswith("anthropic:"))
    line = f"about {usd:.4f} USD, {usd / 2:.4f} by batch"
    assert line in one_line(papers("plan").stdout)
    monkeypatch.setenv("PAPERS_MODEL", "anthropic:claude-opus-5-5")
    outside.list(DAY, kettles(*range(60)))
    (asked,) = (
        text
        for text in one_line(papers("build", "--date", DAY).stderr).split(". ")
        if "will cost" in text
    )
    *_, live, _, half, _, _ = asked.split()
    assert float(half) == pytest.approx(float(live) / 2, abs=0.01)
    assert outside.world.calls == []
    monkeypatch.setenv("PAPERS_MODEL", "mistral:mistral-large-latest")
    assert "by batch" not in papers("plan").stdout.replace(f"{0:.4f} by batch", "")


def test_a_plan_does_not_count_what_a_batch_has(day: Pipeline, outside: Outside):
    papers("build", "--date", DAY, "--batch")
    rows = json.loads(papers("plan", "--json").stdout)["rows"]
    calls = {row["asset"]: row["calls"] for row in rows}
    assert [calls[asset] for asset in BY_BATCH] == [0] * len(BY_BATCH)


def test_a_changed_prompt_is_refreshed_by_batch(
    bought: Pipeline, outside: Outside, monkeypatch, tmp_path: Path
):
    outside.world.batch_seconds = 7200
    overlay_prompt(tmp_path, monkeypatch, "summary.ru.md", "Точно и живо", "Просто и живо")
    old = bought.rows("summaries_ru", DAY)
    submitted = papers("refresh", "--batch", "--yes")
    assert submitted.exit_code == 0, submitted.output
    assert [len(batch.requests) for batch in outside.world.batches] == [2]
    assert bought.rows("summaries_ru", DAY) == old
    refreshed = papers("refresh", "--yes", now=after(outside, hours=3))
    assert refreshed.exit_code == 0, refreshed.output
    assert outside.calls() == {}
    new = bought.rows("summaries_ru", DAY)
    assert {row.state for row in new} == {"done"}
    assert new[0].prompt_version != old[0].prompt_version
    assert "All current" in papers("plan", now=after(outside, hours=3)).stdout


def test_batches_are_listed_and_can_be_forgotten(day: Pipeline, outside: Outside):
    assert "No batch was submitted yet" in papers("batches").stdout
    papers("build", "--date", DAY, "--batch")
    listed = papers("batches", now=after(outside, hours=1)).stdout
    rows = [line.split() for line in listed.splitlines()[1:]]
    assert [(row[2], row[-2], row[-1]) for row in rows] == [("open", "1.0", "h")] * 2
    assert {row[1] for row in rows} == {"openai:gpt-6-luna", "anthropic:claude-sonnet-5-5"}
    (russian,) = (row for row in rows if row[1].startswith("anthropic"))
    assert papers("batches", "--forget", russian[0]).exit_code == 0
    assert papers("batches", "--forget", russian[0]).exit_code == 2
    assert papers("build", "--date", DAY, "--yes", now=after(outside, hours=1)).exit_code == 0
    assert outside.calls()["ru"] == 2
    listed = papers("batches", now=after(outside, hours=3)).stdout
    states = {line.split()[1]: line.split()[2] for line in listed.splitlines()[1:]}
    assert states == {
        "openai:gpt-6-luna": "collected",
        "anthropic:claude-sonnet-5-5": "forgotten",
    }


def test_a_paper_of_two_days_is_submitted_once(day: Pipeline, outside: Outside):
    outside.list(NEXT_DAY, kettles(2, 3))
    submitted = papers("build", "--from", DAY, "--to", NEXT_DAY, "--batch")
    assert submitted.exit_code == 0, submitted.output
    asked = Counter(key for batch in outside.world.batches for key in batch.requests)
    assert set(asked.values()) == {1}
    # Three papers, and the reading task of each day.
    assert len(asked) == 3 * len(WRITTEN) + 2


def test_a_wrong_key_is_told_and_submits_nothing(day: Pipeline, outside: Outside, monkeypatch):
    outside.offer(monkeypatch, "openai", "anthropic", key="wrong-key")
    submitted = papers("build", "--date", DAY, "--batch")
    assert submitted.exit_code == 1
    said = one_line(submitted.stderr)
    assert "openai:gpt-6-luna takes no batch: Error code: 401" in said
    assert "anthropic:claude-sonnet-5-5 takes no batch: " in said
    assert outside.world.batches == []
    refused = submit_in_ui(day, raise_on_error=False, dry_run=False)
    assert not refused.success
    outside.offer(monkeypatch)
    assert papers("build", "--date", DAY, "--batch").exit_code == 0
    assert len(outside.world.batches) == 2


def test_only_whole_days_are_submitted(day: Pipeline):
    assert papers("build", "--date", DAY, "--batch", "--only", "summaries_ru").exit_code == 2


def test_a_process_killed_while_the_provider_creates_the_batch_loses_none_of_it(
    outside: Outside, monkeypatch
):
    """The provider takes three seconds to create the batch, and the process is gone by then."""
    outside.world.now = None
    outside.list(DAY, kettles(1, 2))
    outside.offer(monkeypatch)
    monkeypatch.setenv("PAPERS_LANGUAGES", "ru")
    (slow,) = outside.world.faults = [Fault("/anthropic/v1/messages/batches", seconds=3)]
    process = start("build", "--date", DAY, "--batch")
    wait_until(lambda: slow.times == 0)
    process.kill()
    process.communicate()
    wait_until(lambda: [batch.provider for batch in outside.world.batches].count("anthropic"))
    again = start("build", "--date", DAY, "--batch")
    said, _ = again.communicate()
    assert again.returncode == 0, said
    built = start("build", "--date", DAY, "--yes")
    said, _ = built.communicate()
    assert built.returncode == 0, said
    asked = Counter(key for batch in outside.world.batches for key in batch.requests)
    assert set(asked.values()) == {1}
    assert outside.calls().keys() <= set(TRANSLATIONS)
    site = load_settings().data / "site" / "d" / f"{DAY}.json"
    for paper in json.loads(site.read_text())["papers"]:
        assert paper["summaries"]["ru"]["state"] == "done"


# In the UI


def submit_in_ui(
    pipeline: Pipeline, *, raise_on_error: bool = True, **config: Any
) -> dg.ExecuteInProcessResult:
    job = definitions.load(pipeline.clock, pipeline.watcher).resolve_job_def("buy_by_batch")
    return job.execute_in_process(
        instance=pipeline.instance,
        run_config={"ops": {"submit_batches": {"config": config}}},
        raise_on_error=raise_on_error,
    )


def tick(pipeline: Pipeline, cursor: str | None = None) -> Any:
    repository = definitions.load(pipeline.clock).get_repository_def()
    context = dg.build_sensor_context(
        instance=pipeline.instance,
        cursor=cursor,
        repository_def=repository,
        resources={"models": models_of(load_settings(), pipeline.clock)},
    )
    return repository.get_sensor_def("batches_ended").evaluate_tick(context)


def let_pass(pipeline: Pipeline, outside: Outside, hours: int) -> None:
    pipeline.clock.moment += timedelta(hours=hours)
    outside.world.now = pipeline.clock.moment


def test_the_job_submits_only_when_told_and_the_sensor_builds_the_days_once(
    day: Pipeline, outside: Outside
):
    day.build(DAY, only=("feed_response", "feed_listing", "paper_votes"))
    outside.world.now = day.clock.moment
    assert RefreshConfig().dry_run
    submit_in_ui(day)
    assert outside.world.batches == []
    submit_in_ui(day, dry_run=False)
    assert sum(len(batch.requests) for batch in outside.world.batches) == 9
    assert tick(day).skip_message == "2 open batches, none ended"
    let_pass(day, outside, hours=3)
    ended = tick(day)
    assert {(run.job_name, run.partition_key) for run in ended.run_requests} == {("build_day", DAY)}
    assert tick(day, ended.cursor).run_requests == []
    # A tick whose end was not recorded asks for the same runs, which Dagster starts once.
    repeated = {run.run_key for run in tick(day).run_requests}
    assert repeated == {run.run_key for run in ended.run_requests}
    day.run_job("build_day", DAY)
    assert reasons(day) == {("done", None)}
    assert outside.calls() == dict.fromkeys(TRANSLATIONS, 1)
    assert tick(day).run_requests == []


def test_what_expired_is_submitted_again_and_its_day_waits(day: Pipeline, outside: Outside):
    outside.list(NEXT_DAY, kettles(3, 4))
    day.build(DAY, NEXT_DAY, only=("feed_response", "feed_listing", "paper_votes"))
    outside.world.now = day.clock.moment
    outside.world.replies.append(Reply("expired", language="ru", title="Kettle 3"))
    submit_in_ui(day, dry_run=False)
    let_pass(day, outside, hours=3)
    ended = tick(day)
    runs = {(run.job_name, run.partition_key) for run in ended.run_requests}
    assert ("buy_by_batch", None) in runs
    assert ("build_day", DAY) in runs
    (again,) = (run for run in ended.run_requests if run.job_name == "buy_by_batch")
    submit_in_ui(day, **again.run_config["ops"]["submit_batches"]["config"])
    assert [len(batch.requests) for batch in outside.world.batches[2:]] == [1]
    let_pass(day, outside, hours=3)
    (run,) = tick(day, ended.cursor).run_requests
    assert (run.job_name, run.partition_key) == ("build_day", NEXT_DAY)
    day.run_job("build_day", NEXT_DAY)
    assert {row.state for row in day.rows("summaries_ru", NEXT_DAY)} == {"done"}
    assert outside.calls().keys().isdisjoint(LANGUAGES)
