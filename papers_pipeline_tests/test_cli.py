"""The terminal: exit statuses, what is printed, and bad usage that names the way out."""

import json
import os
import sqlite3
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime

import dagster as dg
import pytest
import requests
from upath import UPath

from papers_pipeline import home
from papers_pipeline.base.model_providers import PROVIDERS
from papers_pipeline.records import Record
from papers_pipeline.sandbox.world import Fault
from papers_pipeline.settings import load_settings
from papers_pipeline.store import locks
from papers_pipeline.store.lake import Lake
from papers_pipeline_tests.helpers.building import Pipeline
from papers_pipeline_tests.helpers.outside import (
    FEED,
    READ,
    READING,
    TRANSLATIONS,
    WRITTEN,
    Outside,
    entry,
)
from papers_pipeline_tests.helpers.terminal import PAPERS, one_line, papers, start, wait_until

DAY = "2026-03-02"


def test_a_built_day_is_a_line_of_the_table_and_exit_status_0(outside: Outside):
    outside.list(DAY, [entry("2603.10001"), entry("2603.10002", summary="")])
    result = papers("build", "--date", DAY)
    assert result.exit_code == 0
    header, row, *_ = result.stdout.splitlines()
    columns = "day state papers new reused pending failed calls tokens USD s"
    assert header.split() == columns.split()
    pending = str(2 * len(WRITTEN))
    assert row.split()[:7] == [DAY, "listed", "2", "0", "0", pending, "0"]
    assert result.stdout.splitlines()[2].endswith("data/site/index.html")
    assert f"{DAY} summaries_ru: 2 papers" in result.stderr


def test_json_is_one_object_with_the_counts_of_every_day_and_asset(outside: Outside, instance):
    outside.list(DAY, [entry("2603.10001"), entry("2603.10002")])
    result = papers("build", "--from", "2026-03-01", "--to", DAY, "--json")
    (sunday, monday) = json.loads(result.stdout)["days"]
    assert (sunday["date"], sunday["state"], sunday["papers"], sunday["error"]) == (
        "2026-03-01",
        "quiet",
        0,
        None,
    )
    assert (monday["state"], monday["papers"]) == ("listed", 2)
    assert set(monday["assets"]) == {
        *FEED,
        *WRITTEN,
        *READING,
        *READ,
        *("paper_pdfs", "parsed_text", "figures"),
        *("daily_issue", "related_papers", "daily_pages"),
    }
    # One paper is read, and without a key there is no text to translate.
    papers_of = dict.fromkeys(TRANSLATIONS, 0) | {"reading_task": 1}
    for name, counts in monday["assets"].items():
        parts = (counts[part] for part in ("reused", "computed", "failed", "pending"))
        assert counts["papers"] == sum(parts) == papers_of.get(name, 2)
        assert counts["seconds"] >= 0


def test_a_failed_day_is_exit_status_1_and_says_why(outside: Outside, instance):
    outside.list(DAY, [entry("2603.10001")])
    outside.world.faults.append(Fault("date=2026-03-03", 404, "{}"))
    result = papers("build", "--from", DAY, "--to", "2026-03-03")
    assert result.exit_code == 1
    assert "2026-03-03 failed: feed_response: 2026-03-03:" in result.stderr
    assert "answered 404: is HF_ENDPOINT right?" in result.stderr.replace("\n", " ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "name a day with --date, or a range with --from and --to"),
        (("--date", DAY, "--from", DAY), "name a day with --date, or a range"),
        (("--from", DAY), "name a day with --date, or a range"),
        (
            ("--date", "monday"),
            "'monday' is not a day: write YYYY-MM-DD, today, yesterday or latest",
        ),
        (
            ("--date", "2027-01-01"),
            "2027-01-01 has not begun yet (UTC): the newest day is 2026-03-20",
        ),
        (("--from", DAY, "--to", "2026-03-01"), "the range ends before it begins"),
        (
            ("--date", DAY, "feed_listing"),
            "unexpected argument 'feed_listing': assets are named after --only",
        ),
        (
            ("--date", DAY, "--only", "pages"),
            "no asset named pages; a day has feed_response, feed_listing,",
        ),
    ],
)
def test_bad_usage_is_exit_status_2_and_names_the_way_out(
    outside: Outside, instance, arguments, message
):
    result = papers("build", *arguments)
    assert result.exit_code == 2
    assert message in one_line(result.stderr)
    assert outside.world.asked == {}


def test_a_setting_that_cannot_be_used_is_bad_usage(monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "somewhere")
    result = papers("build", "--date", DAY)
    assert result.exit_code == 2
    assert "HF_ENDPOINT='somewhere'" in result.stderr


def test_only_builds_what_is_named_and_nothing_upstream(outside: Outside, instance):
    outside.list(DAY, [entry("2603.10001")])
    papers("build", "--date", DAY)
    asked = outside.world.asked.total()
    result = papers("build", "--date", DAY, "--json", "--only", "summaries_en", "topic_tags")
    assert set(json.loads(result.stdout)["days"][0]["assets"]) == {"summaries_en", "topic_tags"}
    result = papers("build", "--from", DAY, "--to", DAY, "--json", "--only", "daily_pages")
    assert set(json.loads(result.stdout)["days"][0]["assets"]) == {"daily_pages"}
    assert outside.world.asked.total() == asked


def test_only_with_an_absent_input_names_the_command_that_makes_it(outside: Outside, instance):
    result = papers("build", "--date", DAY, "--only", "summaries_en")
    assert result.exit_code == 2
    assert f"papers build --date {DAY} --only feed_listing" in one_line(result.stderr)
    result = papers("build", "--date", DAY, "--only", "feed_response,feed_listing,summaries_en")
    assert result.exit_code == 0


def test_latest_is_the_newest_day_with_papers_and_is_named(outside: Outside, instance):
    outside.list(DAY, [entry("2603.10001")])
    result = papers("build", "--date", "latest", now=datetime(2026, 3, 4, 3, tzinfo=UTC))
    assert result.exit_code == 0
    assert f"latest is {DAY}" in result.stderr
    assert result.stdout.splitlines()[1].startswith(DAY)


def test_latest_looks_no_further_back_than_14_days(outside: Outside, instance):
    result = papers("build", "--date", "latest")
    assert result.exit_code == 1
    assert "none of the last 14 days has papers" in one_line(result.stderr)
    assert outside.world.asked.total() == 15


def test_an_error_prints_brackets_as_they_are(outside: Outside):
    result = papers("show", "[/red]")
    assert result.exit_code == 1
    assert "nothing is stored about [/red]: no built day has listed it" in one_line(result.stderr)


def test_show_prints_everything_stored_about_a_paper(outside: Outside, instance):
    outside.list(DAY, [entry("2603.10001", ai_summary="HF says so.")])
    outside.list("2026-03-03", [entry("2603.10001")])
    papers("build", "--from", DAY, "--to", "2026-03-03")
    result = papers("show", "2603.10001")
    assert result.exit_code == 0, result.exception
    shown = result.stdout
    for title in (
        f"feed_listing {DAY}",
        "feed_listing 2026-03-03",
        f"summaries_en {DAY}",
        f"daily_issue {DAY}",
    ):
        assert title in shown
    assert '"text": "HF says so."' in shown
    assert papers("show", "2603.99999").exit_code == 1


def test_doctor_tries_each_model_of_each_chain_and_prints_no_secret(outside: Outside, monkeypatch):
    outside.offer(monkeypatch, "openai", key="a-very-secret-key")
    result = papers("doctor")
    assert result.exit_code == 0
    assert "very-secret" not in result.output
    told = one_line(result.stdout)
    for model in ("openai:gpt-6-luna", "openai:gpt-6.1-terra"):
        assert f"ok {model} is listed and answers at {outside.url}/openai/v1" in told
    unset = "mistral, anthropic, google, deepseek, qwen, openrouter, local"
    assert f"providers {unset}: neither key nor base URL is set" in told
    assert outside.world.asked["openai models"] == outside.world.asked["openai answer"] == 2


@pytest.mark.parametrize(
    ("key", "fault"),
    [
        ("wrong-secret-key", "is not listed: Error code: 401"),
        ("nocredit-secret-key", "is listed, but does not answer: status_code: 429"),
    ],
)
def test_doctor_explains_what_is_wrong_with_a_key(outside: Outside, monkeypatch, key, fault):
    outside.offer(monkeypatch, "openai", key=key)
    result = papers("doctor")
    assert result.exit_code == 1
    assert f"wrong openai:gpt-6-luna {fault}" in one_line(result.stdout)
    assert "secret-key" not in result.output


@pytest.mark.parametrize("provider", PROVIDERS)
def test_doctor_tries_providers_that_no_prompt_names(outside: Outside, monkeypatch, provider):
    monkeypatch.setenv("PAPERS_MODEL", "openai:gpt-6-luna" if provider == "local" else "local:x")
    outside.offer(monkeypatch, provider)
    result = papers("doctor")
    assert result.exit_code == 0, result.output
    assert f"ok {provider} answers at {outside.url}/{provider}" in " ".join(result.stdout.split())
    assert outside.world.asked[f"{provider} models"] == 1
    if PROVIDERS[provider].key_variable:
        outside.offer(monkeypatch, provider, key="wrong-secret-key")
        result = papers("doctor")
        assert result.exit_code == 1
        assert f"wrong {provider} " in " ".join(result.stdout.split())
        assert "secret-key" not in result.output


def test_doctor_reports_that_a_misspelled_model_is_not_listed(outside: Outside, monkeypatch):
    outside.offer(monkeypatch, "mistral")
    monkeypatch.setenv("PAPERS_MODEL", "mistral:unknown-large")
    result = papers("doctor")
    assert result.exit_code == 1
    assert "wrong mistral:unknown-large is not listed" in one_line(result.stdout)


def test_what_others_write_is_neither_markup_nor_steers_the_terminal(outside: Outside, monkeypatch):
    hostile = "[/b] [red]x \x1b]0;owned\x07 \u202etxt"
    outside.world.faults.append(Fault("daily_papers", 200, hostile, times=9))
    outside.offer(monkeypatch, "mistral")
    monkeypatch.setenv("PAPERS_MODEL", "mistral:[/b]\x1b[2J")
    for arguments in (("doctor",), ("build", "--date", DAY, "--yes")):
        result = papers(*arguments)
        assert result.exit_code == 1
        assert "[/b]" in result.output
        assert not {"\x1b", "\x07", "\u202e"} & set(result.output)


def test_doctor_says_that_the_list_cannot_be_reached(outside: Outside, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    broken = papers("doctor")
    assert broken.exit_code == 1
    assert "cannot be reached" in one_line(broken.stdout)


def test_serve_previews_the_built_site(outside: Outside, instance):
    assert papers("serve").exit_code == 1
    outside.list(DAY, [entry("2603.10001")])
    papers("build", "--date", DAY)
    server = subprocess.Popen([PAPERS, "serve", "--port", "0"], stdout=subprocess.PIPE, text=True)
    try:
        url = server.stdout.readline().split()[0]
        assert "2603.10001" in requests.get(f"{url}en/d/{DAY}.html", timeout=10).text
    finally:
        server.kill()
        server.communicate(timeout=30)


def test_serve_of_a_bucket_names_the_way_out(outside: Outside, monkeypatch):
    bucket = UPath("memory://bucket-of-test-serve/site/index.html")
    bucket.parent.mkdir(parents=True)
    bucket.write_text("<!doctype html>")
    monkeypatch.setenv("PAPERS_DATA_DIR", "memory://bucket-of-test-serve")
    result = papers("serve", "--port", "0")
    assert result.exit_code == 1
    assert "is not a local folder: publish it to one" in one_line(result.stderr)


def unfinished() -> list[str]:
    with dg.DagsterInstance.from_config(os.environ["DAGSTER_HOME"]) as instance:
        return [
            run.run_id
            for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
        ]


def test_a_killed_build_leaves_nothing_that_blocks_its_day(outside: Outside):
    outside.list(DAY, [entry("2603.10001")])
    outside.world.faults.append(Fault("daily_papers", seconds=600))
    build = start("build", "--date", DAY)
    wait_until(lambda: outside.world.faults[0].times == 0)
    build.kill()
    build.communicate()
    assert len(unfinished()) == 1
    with home.instance(load_settings()):
        assert unfinished() == []
    assert papers("build", "--date", DAY, "--only", *FEED).exit_code == 0


def test_a_build_waits_for_another_one_of_its_day(outside: Outside, pipeline: Pipeline):
    outside.list(DAY, [entry("2603.10001")])
    with ThreadPoolExecutor() as executor:
        with locks.held(load_settings().home / "locks", DAY):
            build = executor.submit(pipeline.build, DAY, only=FEED)
            waits = "another run holds 2026-03-02: waiting for it to end"
            wait_until(lambda: waits in pipeline.watcher.notes)
            assert outside.world.asked.total() == 0
        (report,) = build.result()
    assert (report.state, report.error) == (None, None)
    assert len(pipeline.rows("feed_listing", DAY)) == 1


@pytest.mark.slow
def test_two_processes_on_one_day_one_waits_and_the_list_is_kept_once(outside: Outside):
    outside.list(DAY, [entry("2603.10001")])
    with locks.held(load_settings().home / "locks", DAY):
        builds = [start("build", "--date", DAY) for _ in range(2)]
        for build in builds:
            lines = iter(build.stdout.readline, "")
            assert any(
                "another run holds 2026-03-02: waiting for it to end" in line for line in lines
            )
    assert [build.communicate() and build.returncode for build in builds] == [0, 0]
    assert outside.world.asked[f"list {DAY}"] == 2
    rows = Lake(load_settings().data / "lake").read("feed_response", DAY, Record)
    assert len(rows) == 1


def test_a_database_that_cannot_grow_is_named_without_a_traceback(monkeypatch: pytest.MonkeyPatch):
    def grow(settings: object) -> None:
        with closing(sqlite3.connect(":memory:")) as database:
            database.execute("PRAGMA max_page_count = 2")
            database.execute("CREATE TABLE runs (body BLOB)")
            database.execute("INSERT INTO runs VALUES (zeroblob(100000))")

    monkeypatch.setattr(home, "prepare", grow)
    result = papers("build", "--date", "2026-03-02")
    assert result.exit_code == 1
    told = "a database of Dagster: database or disk is full: make room and build again"
    assert told in one_line(result.stderr)
