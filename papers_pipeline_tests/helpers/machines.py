"""Several machines on one: a daemon and workers, each with a DAGSTER_HOME and a host name.

They share a Postgres server, a Redis server and a data folder. The settings of all are those of the
environment.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg
import psutil
import pytest

from papers_pipeline.runs import PARTITION_TAG, TAKEN_TAG
from papers_pipeline_tests.helpers.postgres import Server, running_server
from papers_pipeline_tests.helpers.redis import Redis, running_redis

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "deploy" / "several" / "dagster.yaml"
BIN = Path(sys.executable).parent
SUCCESS, FAILURE, STARTED = (
    dg.DagsterRunStatus.SUCCESS,
    dg.DagsterRunStatus.FAILURE,
    dg.DagsterRunStatus.STARTED,
)
LOCATION = {"repositoryName": "__repository__", "repositoryLocationName": "papers_pipeline"}
BACKFILL = """
mutation($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) {
  __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }
"""


class Machine:
    """A process with the name of a host of its own, where the system allows it."""

    def __init__(self, name: str, folder: Path, changes: Mapping[str, str]) -> None:
        self.name = name
        self.is_apart = may_unshare()
        self.home = folder / name
        self.home.mkdir(exist_ok=True)
        config = CONFIG.read_text(encoding="utf-8")
        for old, new in changes.items():
            assert old in config, old
            config = config.replace(old, new)
        (self.home / "dagster.yaml").write_text(config, encoding="utf-8")
        self.env = {**os.environ, "DAGSTER_HOME": str(self.home), "DG_CLI_TELEMETRY": "0"}
        self.log = self.home / "log"
        self._process: psutil.Popen | None = None

    def start(self, program: str, *arguments: str, **env: str) -> None:
        """Start a program of the environment."""
        command = [str(BIN / program), *arguments]
        if self.is_apart:
            inside = f'hostname {self.name} && exec "$@"'
            namespaces = ["--uts", "--pid", "--fork", "--mount-proc", "--kill-child"]
            command = ["unshare", *namespaces, "sh", "-c", inside, "sh", *command]
        with self.log.open("ab") as log:
            self._process = psutil.Popen(
                command, env=self.env | env, stdout=log, stderr=log, start_new_session=True
            )

    def start_worker(self, runs: int = 2) -> None:
        """Start a worker that takes so many runs at once."""
        self.start("papers", "worker", "--name", self.name, "--runs", str(runs))

    def kill(self) -> None:
        """Kill every process of the machine at once, as a power cut does."""
        processes = self.processes()
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.suspend()  # so that none of them starts another
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes, timeout=30)

    def processes(self) -> list[psutil.Process]:
        """The program and all that it started."""
        assert self._process
        return [self._process, *self._process.children(recursive=True)]

    def ask_to_stop(self) -> None:
        """Ask the program to stop, as systemd does."""
        self._main().send_signal(signal.SIGTERM)

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """Ask the program to stop, and kill what is left after half a minute."""
        if self._process and self.is_running():
            self.ask_to_stop()
            try:
                self._process.wait(timeout=30)
            except psutil.TimeoutExpired:
                self.kill()

    def _main(self) -> psutil.Process:
        """The program itself: with namespaces, the only child of `unshare`."""
        assert self._process
        if self.is_apart:
            return self._process.children()[0]
        return self._process


@cache
def may_unshare() -> bool:
    """Whether this system lets us have namespaces of host names and processes."""
    if shutil.which("unshare") is None:
        return False
    command = ["unshare", "--uts", "--pid", "--fork", "--mount-proc", "hostname", "m"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def launch_backfill(machine: Machine, days: list[str]) -> None:
    """Launch a backfill of `build_day` as the UI does."""
    params: dict[str, Any] = {
        "selector": {
            "partitionSetName": "build_day_partition_set",
            "repositorySelector": LOCATION,
        },
        "partitionNames": days,
    }
    done = subprocess.run(
        [
            *(str(BIN / "dagster-graphql"), "-w", str(ROOT / "workspace.yaml")),
            *("-t", BACKFILL, "-v", json.dumps({"params": params})),
        ],
        env=machine.env,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "LaunchBackfillSuccess" in done.stdout, done.stdout


@dataclass
class Deployment:
    """A daemon and two workers, a database, a broker, and the instance that they share."""

    daemon: Machine
    workers: list[Machine]
    postgres: Server
    redis: Redis
    instance: dg.DagsterInstance
    coordination: str

    def runs(self, *statuses: dg.DagsterRunStatus) -> list[dg.RunRecord]:
        """The runs that build a day."""
        wanted = dg.RunsFilter(job_name="build_day", statuses=list(statuses))
        return list(self.instance.get_run_records(wanted))

    def built(self) -> set[str]:
        return {record.dagster_run.tags[PARTITION_TAG] for record in self.runs(SUCCESS)}

    def on(self, machine: Machine) -> list[str]:
        """The ids of the runs under way on a machine."""
        found = []
        for record in self.runs(STARTED):
            if record.dagster_run.tags.get(TAKEN_TAG, "").startswith(f"{machine.name}@"):
                found.append(record.dagster_run.run_id)
        return found


@contextmanager
def running_deployment(folder: Path, changes: Mapping[str, str]) -> Iterator[Deployment]:
    """A daemon, and machines for two workers, which are not started yet.

    `changes` are made in a copy of `deploy/several/dagster.yaml`.
    """
    with ExitStack() as stack:
        postgres = stack.enter_context(running_server())
        redis = stack.enter_context(running_redis(folder / "redis"))
        coordination = postgres.new_database()
        history = postgres.new_database().replace("postgresql:", "postgresql+psycopg2:")
        environment = stack.enter_context(pytest.MonkeyPatch.context())
        environment.setenv("PAPERS_COORDINATION_URL", coordination)
        environment.setenv("PAPERS_PG_DAGSTER", history)
        environment.setenv("PAPERS_BROKER", redis.url)
        daemon, *workers = [Machine(name, folder, changes) for name in ("daemon", "m1", "m2")]
        subprocess.run([BIN / "papers", "setup-coordination"], env=daemon.env, check=True)
        instance = stack.enter_context(dg.DagsterInstance.from_config(str(daemon.home)))
        for machine in (daemon, *workers):
            stack.callback(machine.stop)
        daemon.start("dagster-daemon", "run", "-w", str(ROOT / "workspace.yaml"))
        yield Deployment(daemon, workers, postgres, redis, instance, coordination)


def until(look: Callable[[], Any], seconds: float, each: float = 0.5) -> Any:
    """The first true result of `look`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(each)
    raise AssertionError(f"not within {seconds} s")
