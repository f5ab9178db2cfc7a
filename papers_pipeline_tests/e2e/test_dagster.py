"""A real `dg dev`, webserver, daemon and code server, on the sandbox: what the operator's buttons do."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Page

from papers_pipeline import home
from papers_pipeline.core.prompts import PACKAGED
from papers_pipeline.sandbox.world import Fault
from papers_pipeline.settings import load_settings
from papers_pipeline_tests.conftest import Outside
from papers_pipeline_tests.test_models import calls, entries

ROOT = Path(__file__).parents[2]
DAYS = [f"2026-03-{number:02}" for number in range(2, 12)]
BAD = "2026-03-05"

LAUNCH = """
mutation($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) {
  __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }
"""
AGAIN = """
mutation($params: ReexecutionParams!) { reexecutePartitionBackfill(reexecutionParams: $params) {
  __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }
"""
BACKFILL = """
query($id: String!) { partitionBackfillOrError(backfillId: $id) { __typename
  ... on PartitionBackfill { status runs { status tags { key value } } } } }
"""
BACKFILLS = "{ partitionBackfillsOrError { ... on PartitionBackfills { results { id title status } } } }"
RUNS = """{ runsOrError(filter: {pipelineName: "refresh_stale"}) { ... on Runs { results { runId status } } } }"""
RUN = """
mutation($params: ExecutionParams!) { launchRun(executionParams: $params) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
  ... on RunConfigValidationInvalid { errors { message } } } }
"""


class Dagster:
    """The UI's own API."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, query: str, **variables: Any) -> Any:
        answer = requests.post(f"{self.url}/graphql", json={"query": query, "variables": variables}, timeout=60).json()
        assert "errors" not in answer, answer["errors"]
        return next(iter(answer["data"].values()))

    def backfill(self, backfill_id: str) -> tuple[str, dict[str, str]]:
        """Its status, and that of the run of each day."""
        found = self.ask(BACKFILL, id=backfill_id)
        runs = {next(t["value"] for t in run["tags"] if t["key"] == "dagster/partition"): run for run in found["runs"]}
        return found["status"], {day: run["status"] for day, run in runs.items()}

    def ended(self, backfill_id: str, seconds: float = 400) -> dict[str, str]:
        """The status of each day's run when the backfill is over."""
        return until(lambda: (it := self.backfill(backfill_id))[0] not in ("REQUESTED", "CANCELING") and it[1], seconds)


def until(look: Callable[[], Any], seconds: float) -> Any:
    """What ``look`` gives as soon as it gives something."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(1)
    raise AssertionError(f"not within {seconds} s")


@pytest.fixture
def dagster(outside: Outside, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Dagster]:
    """`dg dev` with ten days listed and prompts in a folder of the test's own."""
    for number, day in enumerate(DAYS):
        outside.list(day, entries(*range(10 * number, 10 * number + 2)))
    prompts = tmp_path / "prompts"
    prompts.mkdir()
    (prompts / "summary.ru.md").write_text((PACKAGED / "summary.ru.md").read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setenv("PAPERS_PROMPTS_DIR", str(prompts))
    monkeypatch.setenv("DG_CLI_TELEMETRY", "0")
    outside.offer(monkeypatch)
    home.prepare(load_settings())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    dg = Path(sys.executable).with_name("dg")
    command = [dg, "dev", "-w", ROOT / "workspace.yaml", "--port", str(port), "--host", "127.0.0.1"]
    log = (tmp_path / "dg.log").open("w")
    server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    made = Dagster(f"http://127.0.0.1:{port}")
    try:
        until(lambda: _is_up(made), 120)
        yield made
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
        log.close()


def _is_up(dagster: Dagster) -> bool:
    try:
        found = dagster.ask("{ repositoriesOrError { ... on RepositoryConnection { nodes { name } } } }")
    except (requests.RequestException, ValueError):
        return False
    return bool(found.get("nodes"))


def assets_of_a_day() -> list[dict[str, list[str]]]:
    from papers_pipeline import definitions

    job = definitions.load().resolve_job_def("build_day")
    return [{"path": list(key.path)} for key in job.asset_layer.executable_asset_keys]


def test_an_operators_evening(dagster: Dagster, outside: Outside, page: Page, tmp_path: Path):
    """A backfill of ten days with a bad one, its repetition, a changed prompt and its refresh; what the UI shows."""
    outside.world.faults.append(Fault(f"date={BAD}", 404, "{}", times=99))
    launched = dagster.ask(LAUNCH, params={"assetSelection": assets_of_a_day(), "partitionNames": DAYS})
    runs = dagster.ended(launched["backfillId"])
    assert runs == {day: "FAILURE" if day == BAD else "SUCCESS" for day in DAYS}
    assert calls(outside) == {"ru": 18, "en": 18, "zh": 18, "topic_tags": 18}

    outside.world.faults.clear()
    again = dagster.ask(AGAIN, params={"parentRunId": launched["backfillId"], "strategy": "FROM_FAILURE"})
    assert dagster.ended(again["backfillId"]) == {BAD: "SUCCESS"}
    assert calls(outside) == {"ru": 2, "en": 2, "zh": 2, "topic_tags": 2}

    prompt = tmp_path / "prompts" / "summary.ru.md"
    prompt.write_text(prompt.read_text(encoding="utf-8").replace("живым, точным", "простым, точным"), encoding="utf-8")
    known = {it["id"] for it in dagster.ask(BACKFILLS)["results"]}
    location = {"repositoryName": "__repository__", "repositoryLocationName": "papers_pipeline"}
    config = {"ops": {"submit_what_is_stale": {"config": {"dry_run": False}}}}
    selector = {**location, "jobName": "refresh_stale"}
    assert dagster.ask(RUN, params={"selector": selector, "runConfigData": config})["__typename"] == "LaunchRunSuccess"
    submitted = until(lambda: {it["id"] for it in dagster.ask(BACKFILLS)["results"]} - known, 120)
    assert dagster.ended(submitted.pop()) == dict.fromkeys(DAYS, "SUCCESS")
    assert calls(outside) == {"ru": 20}
    papers = Path(sys.executable).with_name("papers")
    told = subprocess.run([papers, "plan"], capture_output=True, text=True, check=True).stdout
    assert told.startswith("All current")

    page.goto(f"{dagster.url}/assets/daily_issue?view=partitions")
    page.get_by_text("Materialized (10)").first.wait_for(timeout=90_000)
    page.goto(f"{dagster.url}/assets/summaries_ru?view=checks")
    page.get_by_text("in_language").first.wait_for(timeout=60_000)
    page.goto(f"{dagster.url}/automation")
    page.get_by_text("last_days_nightly").first.wait_for(timeout=60_000)
    page.goto(f"{dagster.url}/locations/papers_pipeline/jobs/refresh_stale/playground")
    page.get_by_text("dry_run").first.wait_for(timeout=60_000)
    runs_before = len(dagster.ask(RUNS)["results"])
    # Not click(): the UI's welcome may lie above it on its first day.
    page.locator("button:not([disabled])", has_text="Launch Run").dispatch_event("click", timeout=90_000)
    until(lambda: len(dagster.ask(RUNS)["results"]) > runs_before, 60)
