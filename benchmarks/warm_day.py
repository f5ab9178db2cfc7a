"""A warm day, from the shell and as a run of the UI: nothing has changed and nothing is bought."""

import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from benchmarks.bench import QUICK_RUNS, Bench, build
from benchmarks.bounds import Work, lower_bound
from benchmarks.processes import tree_bytes
from benchmarks.scenario import COLD, ROOT, asked, environment, free_port, sandbox
from benchmarks.table import Row

WORKSPACE = """load_from:
  - python_module:
      module_name: papers_pipeline.definitions
      attribute: defs
      location_name: papers_pipeline
  - python_module:
      module_name: benchmarks.trivial
      attribute: defs
      location_name: trivial
      working_directory: {root}
"""
LAUNCH = """
mutation($params: ExecutionParams!) { launchRun(executionParams: $params) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }
"""
RUN = """
query($id: ID!) { runOrError(runId: $id) { ... on Run { status startTime endTime } } }
"""
LOCATIONS = "{ repositoriesOrError { ... on RepositoryConnection { nodes { name } } } }"
UI_STARTS_WITHIN_SECONDS, UI_STOPS_WITHIN_SECONDS = 180, 30
BETWEEN_LOOKS_SECONDS = 0.1


def warm_day_row(bench: Bench) -> Row:
    """`papers build` of a day that is built."""
    world, home = bench.day_world, bench.built_day
    bound = lower_bound(Work(start_seconds=bench.start_seconds, days=1), COLD)
    row = Row(f"warm day, shell, {world.papers} papers", bound.formula)
    with sandbox(world, COLD) as url:
        for _ in range(bench.runs or QUICK_RUNS):
            built = build(home, world, url, COLD)
            row.add(built.seconds, bound.seconds, built.peak_bytes)
        received = asked(url)
    row.facts |= {"calls": len(received.calls), "files": received.files}
    return row


def warm_ui_row(bench: Bench) -> Row:
    """The job `build_day` launched through the UI's own API in a running `dg dev`.

    The time is from the click to the end of the run. So it contains the queue of Dagster's daemon,
    which looks for new runs every few seconds, and the run's own process. The bound is a job of one
    empty step, launched likewise in the same `dg dev`. The memory is that of all its processes.
    """
    world, home = bench.day_world, bench.built_day
    row = Row(
        f"warm day, run of the UI, {world.papers} papers", "a job of one empty step in the same UI"
    )
    with sandbox(world, COLD) as url, running_ui(home, environment(home, url, COLD)) as ui:
        fastest_run = math.inf
        for _ in range(bench.runs or QUICK_RUNS):
            empty, _ = ui.run("trivial", "trivial", {})
            tags = {"dagster/partition": str(world.days[0])}
            seconds, run_seconds = ui.run("papers_pipeline", "build_day", tags)
            row.add(seconds, empty, ui.peak_bytes)
            fastest_run = min(fastest_run, run_seconds)
        received = asked(url)
    row.facts |= {
        "fastest run from its start, seconds": fastest_run,
        "calls": len(received.calls),
        "files": received.files,
    }
    return row


class Ui:
    """A running `dg dev`."""

    def __init__(self, url: str, pid: int) -> None:
        self._url = url
        self._pid = pid
        self.peak_bytes = 0

    def ask(self, query: str, **variables: Any) -> Any:
        """The first field of the answer to a GraphQL query."""
        body = {"query": query, "variables": variables}
        answer = requests.post(f"{self._url}/graphql", json=body, timeout=60).json()
        if "errors" in answer:
            raise SystemExit(f"The UI answered {answer['errors']}")
        return next(iter(answer["data"].values()))

    def run(self, location: str, job: str, tags: Mapping[str, str]) -> tuple[float, float]:
        """Launch a job and wait for it. Returns the seconds since the click, and of the run."""
        params = {
            "selector": {
                "repositoryLocationName": location,
                "repositoryName": "__repository__",
                "jobName": job,
            },
            "runConfigData": {},
            "executionMetadata": {
                "tags": [{"key": key, "value": value} for key, value in tags.items()]
            },
        }
        clicked = time.time()
        launched = self.ask(LAUNCH, params=params)
        if launched["__typename"] != "LaunchRunSuccess":
            raise SystemExit(f"{job} was not launched: {launched}")
        while True:
            run = self.ask(RUN, id=launched["run"]["runId"])
            self.peak_bytes = max(self.peak_bytes, tree_bytes(self._pid))
            if run["endTime"]:
                break
            time.sleep(BETWEEN_LOOKS_SECONDS)
        if run["status"] != "SUCCESS":
            raise SystemExit(f"The run of {job} ended as {run['status']}")
        return run["endTime"] - clicked, run["endTime"] - run["startTime"]


@contextmanager
def running_ui(home: Path, env: Mapping[str, str]) -> Iterator[Ui]:
    """Run `dg dev` on the data in `home`, with the project and the empty job."""
    workspace = home / "workspace.yaml"
    workspace.write_text(WORKSPACE.format(root=ROOT), encoding="utf-8")
    port = free_port()
    dg = Path(sys.executable).with_name("dg")
    command = [str(dg), "dev", "-w", str(workspace), "--port", str(port), "--host", "127.0.0.1"]
    with (home / "dg.log").open("w") as log:
        server = subprocess.Popen(
            command, env=env, cwd=home, stdout=log, stderr=log, start_new_session=True
        )
        try:
            ui = Ui(f"http://127.0.0.1:{port}", server.pid)
            _wait_for(ui)
            yield ui
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            try:
                server.wait(timeout=UI_STOPS_WITHIN_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)


def _wait_for(ui: Ui) -> None:
    """Wait until both code locations are loaded."""
    deadline = time.monotonic() + UI_STARTS_WITHIN_SECONDS
    while True:
        try:
            if len(ui.ask(LOCATIONS).get("nodes", [])) == 2:
                return
        except requests.ConnectionError:
            pass
        if time.monotonic() > deadline:
            raise SystemExit("`dg dev` did not start: see dg.log")
        time.sleep(1)
