"""What the operator's buttons do in a real `dg dev`: webserver, daemon and code server."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Page

from papers_pipeline import definitions, home
from papers_pipeline.base.clock import Clock
from papers_pipeline.enrichment.plan import to_refresh
from papers_pipeline.prompts.prompt import PACKAGED
from papers_pipeline.records import PlanRow
from papers_pipeline.sandbox.world import Fault
from papers_pipeline.settings import load_settings
from papers_pipeline.store.ledger import FileLedger, Spending
from papers_pipeline.wiring import planner_of
from papers_pipeline_tests.helpers.building import Pipeline
from papers_pipeline_tests.helpers.outside import FEED, WRITTEN, Outside, kettles

ROOT = Path(__file__).parents[2]
PAPERS = Path(sys.executable).with_name("papers")
DAYS = [f"2026-02-{number:02}" for number in range(1, 29)] + ["2026-03-01", "2026-03-02"]
PENDING, KILLED, CLICKED = DAYS[0], DAYS[15], DAYS[16]
"""A day whose two papers have no Russian, one whose run is killed, and one built by mouse."""
BACKFILL_DAYS, BAD = DAYS[17:27], DAYS[20]
MISSING = DAYS[27:]
NUMBERS = {day: range(10 * number, 10 * number + 1) for number, day in enumerate(DAYS)}
NUMBERS |= {PENDING: range(2), KILLED: range(150, 156)}

LOCATION = {"repositoryName": "__repository__", "repositoryLocationName": "papers_pipeline"}
BACKFILL = """
mutation($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) {
  __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }
"""
BACKFILLS = """{ partitionBackfillsOrError { ... on PartitionBackfills { results { id status
  runs { status tags { key value } } } } } }"""
AGAIN = """
mutation($params: ReexecutionParams!) { reexecutePartitionBackfill(reexecutionParams: $params) {
  __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }
"""
RUNS = """
query($job: String!) { runsOrError(filter: {pipelineName: $job}) { ... on Runs {
  results { runId status tags { key value } } } } }
"""
RUN = """
mutation($params: ExecutionParams!) { launchRun(executionParams: $params) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
  ... on RunConfigValidationInvalid { errors { message } } } }
"""
RUN_AGAIN = """
mutation($params: ReexecutionParams!) { launchRunReexecution(reexecutionParams: $params) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }
"""
PLAN = """
{ assetNodeOrError(assetKey: {path: ["refresh_plan"]}) { ... on AssetNode {
  assetMaterializations(limit: 1) { runId metadataEntries { label
    ... on IntMetadataEntry { intValue } ... on FloatMetadataEntry { floatValue }
    ... on TableMetadataEntry { table { records } } } }
  assetChecksOrError { ... on AssetChecks { checks { name executionForLatestMaterialization {
    evaluation { success severity metadataEntries { label
      ... on IntMetadataEntry { intValue } } } } } } } } } }
"""


class Dagster:
    """The UI's own API."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, query: str, **variables: Any) -> Any:
        answer = requests.post(
            f"{self.url}/graphql", json={"query": query, "variables": variables}, timeout=60
        ).json()
        assert "errors" not in answer, answer["errors"]
        return next(iter(answer["data"].values()))

    def backfills(self) -> dict[str, dict[str, Any]]:
        return {backfill["id"]: backfill for backfill in self.ask(BACKFILLS)["results"]}

    def ended(self, backfill_id: str) -> dict[str, str]:
        """The status of each day's run when the backfill is over."""

        def ended_backfill() -> dict[str, Any] | None:
            backfill = self.backfills()[backfill_id]
            return None if backfill["status"] in BUSY else backfill

        runs = until(ended_backfill)["runs"]
        return {tag(run, "dagster/partition"): run["status"] for run in runs}

    def launch(self, job: str, config: dict[str, Any] | None = None, **tags: str) -> str:
        """Start a run of a job, for a day if a tag names it; returns the run's id."""
        assets = {"assetSelection": [{"path": [job]}]} if job == "refresh_plan" else {}
        selector = {**LOCATION, "jobName": "__ASSET_JOB" if assets else job, **assets}
        metadata = {
            "tags": [{"key": key.replace("_", "/"), "value": value} for key, value in tags.items()]
        }
        params = {
            "selector": selector,
            "runConfigData": config or {},
            "executionMetadata": metadata,
        }
        launched = self.ask(RUN, params=params)
        assert launched["__typename"] == "LaunchRunSuccess", launched
        return str(launched["run"]["runId"])

    def run(self, run_id: str, job: str) -> dict[str, Any]:
        runs = {run["runId"]: run for run in self.ask(RUNS, job=job)["results"]}
        return runs[run_id]

    def finished(self, run_id: str, job: str) -> str:
        """The status of a run when it is over."""

        def final_status() -> str | None:
            status = self.run(run_id, job)["status"]
            return status if status in ("SUCCESS", "FAILURE", "CANCELED") else None

        return until(final_status)


BUSY = ("REQUESTED", "CANCELING", "FAILING")


def tag(run: dict[str, Any], key: str) -> str:
    return next((entry["value"] for entry in run["tags"] if entry["key"] == key), "")


def until(look: Callable[[], Any], seconds: float = 1200) -> Any:
    """The first true result of `look`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(1)
    raise AssertionError(f"not within {seconds} s")


@pytest.fixture
def dagster(outside: Outside, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Dagster]:
    """`dg dev` with thirty days to come and prompts in a folder of the test's own."""
    for day, numbers in NUMBERS.items():
        outside.list(day, kettles(*numbers))
    prompts = tmp_path / "prompts"
    prompts.mkdir()
    (prompts / "summary.ru.md").write_bytes((PACKAGED / "summary.ru.md").read_bytes())
    monkeypatch.setenv("PAPERS_PROMPTS_DIR", str(prompts))
    monkeypatch.setenv("DG_CLI_TELEMETRY", "0")
    monkeypatch.setenv("PAPERS_LLM_CONCURRENCY", "2")
    outside.offer(monkeypatch)
    with home.instance(load_settings()):
        pass
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    dg = Path(sys.executable).with_name("dg")
    command = [dg, "dev", "-w", ROOT / "workspace.yaml", "--port", str(port), "--host", "127.0.0.1"]
    log = (tmp_path / "dg.log").open("w")
    server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        yield Dagster(f"http://127.0.0.1:{port}")
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
        log.close()


def _is_up(dagster: Dagster) -> bool:
    try:
        found = dagster.ask(
            "{ repositoriesOrError { ... on RepositoryConnection { nodes { name } } } }"
        )
    except (requests.RequestException, ValueError):
        return False
    return bool(found.get("nodes"))


def assets_of_a_day() -> list[str]:
    job = definitions.load().resolve_job_def("build_day")
    return sorted(key.to_user_string() for key in job.asset_layer.executable_asset_keys)


def buy_what_is_there(
    outside: Outside, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Build every list, and the days that `dg dev` does not build: the newest without Russian."""
    pipeline.build(*DAYS, only=FEED)
    rest = [name for name in assets_of_a_day() if name not in FEED]
    with monkeypatch.context() as unset:
        for name in ("OPENAI", "MISTRAL", "ANTHROPIC"):
            unset.delenv(f"{name}_API_KEY")
            unset.delenv(f"{name}_BASE_URL")
        pipeline.build(PENDING, only=("summaries_ru",))
    without_russian = tuple(name for name in rest if name != "summaries_ru")
    pipeline.build(PENDING, *MISSING, only=without_russian)
    pipeline.build(*DAYS[1 : DAYS.index(KILLED)], only=tuple(rest))


def spendings() -> list[Spending]:
    """The calls that were answered. Those that the killed run waited for stay unsettled."""
    ledger = FileLedger(Path(os.environ["PAPERS_DATA_DIR"]) / "ledger")
    every = (spending for day in ledger.days() for spending in ledger.spent(day))
    return [spending for spending in every if spending.state != "unsettled"]


def spent() -> tuple[Counter[str], int, float]:
    """Calls of each asset, tokens and USD of the ledger."""
    every = spendings()
    calls = Counter(spending.asset for spending in every)
    tokens = sum(spending.input_tokens + spending.output_tokens for spending in every)
    usd = sum(spending.usd or 0.0 for spending in every)
    return calls, tokens, usd


def told() -> list[PlanRow]:
    """The rows of `papers plan` that are not current."""
    rows = json.loads(
        subprocess.run([PAPERS, "plan", "--json"], capture_output=True, check=True).stdout
    )["rows"]
    parsed = map(PlanRow.model_validate, rows)
    return [row for row in parsed if row.state != "current"]


def shown(dagster: Dagster) -> tuple[list[dict[str, str]], dict[str, Any], dict[str, Any]]:
    """Materialize `refresh_plan`; returns what the UI shows: its table, its numbers, its check."""
    run_id = dagster.launch("refresh_plan")
    assert dagster.finished(run_id, "__ASSET_JOB") == "SUCCESS"
    node = dagster.ask(PLAN)
    (made,) = node["assetMaterializations"]
    assert made["runId"] == run_id
    metadata = {value.pop("label"): value for value in made["metadataEntries"]}
    rows = [json.loads(record) for record in metadata["rows"]["table"]["records"]]
    numbers = {name: next(iter(metadata[name].values())) for name in ("behind", "calls", "usd")}
    (check,) = node["assetChecksOrError"]["checks"]
    return rows, numbers, check["executionForLatestMaterialization"]["evaluation"]


def as_shown(row: PlanRow) -> dict[str, str]:
    """A row as a table of the UI has it."""
    values = row.model_dump(mode="json").items()
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in values}


def switch(dagster: Dagster, page: Page, name: str, *, on: bool) -> None:
    """Flip the switch of a schedule or sensor, unless it is set already."""
    page.goto(dagster.url)
    page.get_by_role("link", name="Automation").click()
    its = page.locator(f'xpath=//*[text()="{name}"]/ancestor::*[.//input[@type="checkbox"]][1]')
    its.locator("label").nth(1).wait_for()  # the first is that of the row's own box
    page.wait_for_load_state("networkidle")  # until then every switch is shown as off
    until(lambda: its.locator("input").last.is_checked() != on, 60)

    def is_switched() -> bool:
        its.locator("label").last.click()
        page.wait_for_timeout(5000)
        return its.locator("input").last.is_checked() == on

    until(is_switched, 60)


def kill_a_run(dagster: Dagster, outside: Outside) -> tuple[str, str, Counter[str]]:
    """Kill a day's run while it buys, and request the day again; returns both runs.

    Returns too how many answers of each asset were entered into the ledger and not kept yet.
    """
    outside.world.latency_seconds = 1.5
    run_id = dagster.launch("build_day", dagster_partition=KILLED)
    until(lambda: sum(spending.day == KILLED for spending in spendings()) >= 4)
    process = tag(dagster.run(run_id, "build_day"), "papers/process")
    os.kill(int(process.split(":")[1]), signal.SIGKILL)
    assert 4 <= sum(spending.day == KILLED for spending in spendings()) < 24
    cut_off = Counter(spending.asset for spending in spendings()) - kept()
    outside.world.latency_seconds = 0.0
    return run_id, dagster.launch("build_day", dagster_partition=KILLED), cut_off


def kept() -> Counter[str]:
    """How many answers of each asset are kept."""
    folder = Path(os.environ["PAPERS_DATA_DIR"]) / "purchases"
    return Counter(path.relative_to(folder).parts[0] for path in folder.rglob("*.json"))


def materialize(dagster: Dagster, page: Page, day: str) -> None:
    """Build a day by mouse, from its job's page to the green run."""
    page.goto(f"{dagster.url}/locations/papers_pipeline/jobs/build_day")
    page.get_by_role("button", name="Materialize all").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Show all partitions").click()
    chosen = dialog.locator("input[type=text]").first
    chosen.fill(day)
    chosen.press("Enter")
    dialog.get_by_role("button", name="Launch 1 run").click()
    page.get_by_text("View", exact=True).last.click()
    page.wait_for_url("**/runs/**")
    page.get_by_text("Success", exact=True).first.wait_for(timeout=600_000)


def refresh(dagster: Dagster, page: Page) -> str:
    """Launch `refresh_stale` by mouse, with `dry_run: false` in its config; returns its run."""
    page.goto(f"{dagster.url}/locations/papers_pipeline/jobs/refresh_stale/playground")
    page.locator(".CodeMirror-line", has_text="dry_run").click()
    page.keyboard.press("End")
    for _ in "true":
        page.keyboard.press("Backspace")
    page.keyboard.type("false")
    page.keyboard.press("Escape")
    page.locator("button:not([disabled])", has_text="Launch Run").click()
    page.wait_for_url("**/runs/**")
    return page.url.rsplit("/", 1)[-1]


def targets(backfill_id: str) -> dict[str, list[str]]:
    """The days of each asset of a backfill."""
    with home.instance(load_settings()) as instance:
        subset = instance.get_backfill(backfill_id).asset_backfill_data.target_subset
    return {
        key.to_user_string(): sorted(subset.get_partitions_subset(key).get_partition_keys())
        for key in subset.asset_keys
    }


def test_an_operators_evening(
    dagster: Dagster,
    outside: Outside,
    pipeline: Pipeline,
    page: Page,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
):
    """A killed run, a backfill of ten days with a bad one, a day built by mouse.

    Then one word of a prompt changes over thirty days, and changes back.
    """
    page.set_default_timeout(120_000)
    until(lambda: _is_up(dagster))
    switch(dagster, page, "prune_nightly", on=True)
    switch(dagster, page, "site_follows", on=False)  # its runs only cost time here
    with ThreadPoolExecutor(1) as beside:  # Playwright's loop runs in this thread
        beside.submit(buy_what_is_there, outside, pipeline, monkeypatch).result()

    killed, again, cut_off = kill_a_run(dagster, outside)
    outside.world.faults.append(Fault(f"date={BAD}", 404, "{}", times=99))
    assets = [{"path": [name]} for name in assets_of_a_day()]
    launched = dagster.ask(
        BACKFILL, params={"assetSelection": assets, "partitionNames": BACKFILL_DAYS}
    )
    runs = dagster.ended(launched["backfillId"])
    assert runs == {day: "FAILURE" if day == BAD else "SUCCESS" for day in BACKFILL_DAYS}
    assert (dagster.finished(killed, "build_day"), dagster.finished(again, "build_day")) == (
        "FAILURE",
        "SUCCESS",
    )
    bought = Counter(
        (spending.asset, spending.arxiv_id)
        for spending in spendings()
        if spending.day == KILLED and spending.asset in WRITTEN
    )
    once = Counter(product(WRITTEN, (f"2603.{10000 + number}" for number in NUMBERS[KILLED])))
    assert once <= bought
    # Between the ledger and the folder of purchases is a moment in which a kill costs an answer.
    assert Counter(asset for asset, _ in (bought - once).elements()) <= cut_off

    outside.world.faults.clear()
    before = spent()[0]
    # What the backfill's page sends to execute it again from failure.
    repeated = dagster.ask(
        AGAIN, params={"parentRunId": launched["backfillId"], "strategy": "FROM_FAILURE"}
    )
    assert dagster.ended(repeated["backfillId"]) == {BAD: "SUCCESS"}
    assert {
        name: calls for name, calls in (spent()[0] - before).items() if name in WRITTEN
    } == dict.fromkeys(WRITTEN, 1)

    materialize(dagster, page, CLICKED)
    page.goto(f"{dagster.url}/assets/summaries_ru?view=checks&checkDetail=in_language")
    page.get_by_text("Passed", exact=True).first.wait_for()
    page.get_by_text(CLICKED).first.wait_for()

    prompt = tmp_path / "prompts" / "summary.ru.md"
    original = prompt.read_text(encoding="utf-8")
    prompt.write_text(original.replace("Точно и живо", "Просто и живо"), encoding="utf-8")
    page.goto(dagster.url)
    page.get_by_role("link", name="Deployment").click()
    with page.expect_response(
        lambda response: "reload" in (response.request.post_data or "").lower()
    ):
        page.get_by_text("Reload", exact=True).click()
    behind = told()
    papers = sum(map(len, NUMBERS.values()))
    assert [(row.asset, row.day) for row in behind] == [("summaries_ru", day) for day in DAYS]
    states = (
        {PENDING: "incomplete"}
        | dict.fromkeys(DAYS[1:27], "stale")
        | dict.fromkeys(MISSING, "missing")
    )
    assert {row.day: row.state for row in behind} == states
    assert {row.day: row.calls for row in behind} == {
        day: len(numbers) for day, numbers in NUMBERS.items()
    }
    assert behind[0].pending == 2
    table, numbers, check = shown(dagster)
    assert table == [as_shown(row) for row in behind]
    usd = sum(row.usd or 0.0 for row in behind)
    assert numbers == {"behind": 30, "calls": papers, "usd": pytest.approx(usd, abs=1e-6)}
    assert (check["success"], check["severity"]) == (False, "WARN")
    assert check["metadataEntries"] == [{"label": "summaries_ru", "intValue": 30}]

    outside.world.calls.clear()
    files, (calls, tokens, money), known = pipeline.files(), spent(), set(dagster.backfills())
    run_id = refresh(dagster, page)
    (backfill_id,) = until(lambda: set(dagster.backfills()) - known)
    repetition = dagster.ask(RUN_AGAIN, params={"parentRunId": run_id, "strategy": "ALL_STEPS"})[
        "run"
    ]["runId"]
    wanted = planner_of(load_settings(), Clock()).refresh_assets(to_refresh(behind))
    assert (
        targets(backfill_id)
        == wanted
        == dict.fromkeys(("summaries_ru", "daily_issue", "daily_pages"), DAYS)
    )
    assert dagster.ended(backfill_id) == dict.fromkeys(DAYS, "SUCCESS")
    assert dagster.finished(repetition, "refresh_stale") == "SUCCESS"
    assert set(dagster.backfills()) - known == {backfill_id}
    calls_now, tokens_now, money_now = spent()
    assert calls_now - calls == {"summaries_ru": papers}
    assert Counter(call.language for call in outside.world.calls) == {"ru": papers}
    assert sum(row.input_tokens + row.output_tokens for row in behind) == pytest.approx(
        tokens_now - tokens, rel=0.2
    )
    assert usd == pytest.approx(money_now - money, rel=0.2)
    changed = {name for name, data in pipeline.files().items() if files.get(name) != data}
    assert {f"ru/d/{day}.html" for day in DAYS} <= changed
    # A paper's emoji comes with its first language, so other pages had none or another one.
    others = {Path(name).stem for name in changed if name.startswith(("en/d/", "zh/d/"))}
    assert others <= {PENDING, *MISSING}
    assert told() == []
    assert shown(dagster)[2]["success"]

    prompt.write_text(original, encoding="utf-8")
    outside.world.calls.clear()
    free = DAYS[1:27]
    assert {row.day: row.calls for row in told() if row.day in free} == dict.fromkeys(free, 0)
    subprocess.run(
        [PAPERS, "refresh", "--from", free[0], "--to", free[-1], "--yes"],
        capture_output=True,
        check=True,
    )
    assert {row.day for row in told()} == {
        PENDING,
        *MISSING,
    }  # by the old prompt these were never bought
    assert outside.world.calls == []

    page.goto(f"{dagster.url}/assets/daily_issue?view=partitions")
    page.get_by_text("Materialized (30)").first.wait_for()
    page.goto(f"{dagster.url}/assets/summaries_ru")
    page.get_by_text("Plots", exact=True).click()
    page.get_by_role("link", name="Lineage").last.click()
    page.get_by_text("enrichment").first.wait_for()
