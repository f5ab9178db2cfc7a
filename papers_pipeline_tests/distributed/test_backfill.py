"""Twenty days on two machines, one of which dies, while the broker restarts."""

import os
import re
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from papers_pipeline.runs import PARTITION_TAG
from papers_pipeline.sandbox.world import Call
from papers_pipeline_tests.helpers.machines import (
    BIN,
    FAILURE,
    SUCCESS,
    Deployment,
    launch_backfill,
    running_deployment,
    until,
)
from papers_pipeline_tests.helpers.outside import Outside, calls_for, kettles, kind_of

DAYS = [f"2026-03-{number:02}" for number in range(1, 21)]
REQUESTS_A_MINUTE = 60
SOON = {
    "poll_interval_seconds: 10": "poll_interval_seconds: 2",
    "dead_after_seconds: 120": "dead_after_seconds: 10",
}
"""What differs from `deploy/several/dagster.yaml`: a dead run is noticed sooner."""
DEADLINE_SECONDS = 1800.0
ON_THE_WAY_SECONDS = 5.0
"""How late a call may arrive that the limit has let go: two processors have a dozen processes."""
TIMES = re.compile(rb'"(built|created|written)_at": ?"[^"]*"')


@pytest.fixture
def deployment(
    outside: Outside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Deployment]:
    for number, day in enumerate(DAYS):
        outside.list(day, kettles(number, number + 1))
    outside.offer(monkeypatch)
    monkeypatch.setenv("PAPERS_LLM_REQUESTS_PER_MINUTE", str(REQUESTS_A_MINUTE))
    with running_deployment(tmp_path, SOON) as made:
        for worker in made.workers:
            worker.start_worker()
        yield made


@pytest.mark.programs("initdb", "redis-server")
def test_a_backfill_outlives_a_machine_and_a_restart_of_the_broker(
    deployment: Deployment, outside: Outside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    victim = deployment.workers[0]
    began = time.time()
    launch_backfill(deployment.daemon, DAYS)
    until(lambda: len(deployment.built()) >= 5 and deployment.on(victim), DEADLINE_SECONDS)
    asked = until(lambda: calls_if_stored(outside, tmp_path), DEADLINE_SECONDS, each=0.05)
    victim.kill()
    # On a busy machine a kill takes a while, and what is asked meanwhile may be cut off.
    cut_off = Counter(map(kind_of, outside.world.calls[asked:]))
    killed = time.time()
    lost = deployment.on(victim)
    lost_days = {day_of(deployment, run_id) for run_id in lost}
    until(lambda: failed_at(deployment, lost), DEADLINE_SECONDS)
    to_failed = max(failed_at(deployment, lost)) - killed
    victim.start_worker()  # the machine is up again
    until(lambda: len(deployment.built()) >= 12, DEADLINE_SECONDS)
    deployment.redis.stop()
    time.sleep(3)
    deployment.redis.start()
    until(lambda: deployment.built() == set(DAYS), DEADLINE_SECONDS)
    to_built = max(built_at(deployment, day) for day in lost_days) - killed
    took = time.time() - began
    for machine in (*deployment.workers, deployment.daemon):
        machine.stop()  # `papers build` makes the pages that span days

    busiest = most_in_a_minute(outside.world.calls)
    bought = outside.calls()
    calls = sum(bought.values())
    ledger = ledger_lines(deployment)
    print(
        f"\n{len(DAYS)} days in {took:.0f} s. Killed with {len(lost)} runs under way: failed "
        f"after {to_failed:.1f} s, built again after {to_built:.1f} s. {calls} calls, at "
        f"most {busiest} of {REQUESTS_A_MINUTE} in a minute; {ledger} calls in the ledger."
    )
    once = Counter(calls_for(papers=len(DAYS) + 1, tasks=len(DAYS)))
    assert once <= bought
    assert bought - once <= cut_off  # none twice
    assert busiest <= REQUESTS_A_MINUTE
    assert ledger == calls

    before = site_of(tmp_path / "data")
    papers_build(deployment.daemon.env)
    after = site_of(tmp_path / "data")
    assert outside.calls() == {}
    print(f"links between days changed {len(differing(before, after))} of {len(after)} files")
    alone = dict(os.environ) | {
        "PAPERS_DATA_DIR": str(tmp_path / "alone"),
        "DAGSTER_HOME": str(tmp_path / "home"),
        "PAPERS_COORDINATION_URL": "",
        "PAPERS_LLM_REQUESTS_PER_MINUTE": "",
    }
    began = time.time()
    papers_build(alone)
    print(f"one process built the same days in {time.time() - began:.0f} s")
    assert differing(after, site_of(tmp_path / "alone")) == []


def calls_if_stored(outside: Outside, folder: Path) -> int:
    """How many calls there were, if all answers are stored: one that is cut off is bought again."""
    calls = len(outside.world.calls)
    kept = [path.parts[-3] for path in (folder / "data" / "purchases").rglob("*.json")]
    answers = [asset for asset in kept if asset not in ("figures", "paper_pdfs")]
    return calls if len(answers) == calls else 0


def day_of(deployment: Deployment, run_id: str) -> str:
    run = deployment.instance.get_run_by_id(run_id)
    assert run
    return run.tags[PARTITION_TAG]


def failed_at(deployment: Deployment, run_ids: list[str]) -> list[float]:
    """When these runs failed; empty until all have."""
    ends = [
        record.end_time
        for record in deployment.runs(FAILURE)
        if record.dagster_run.run_id in run_ids and record.end_time
    ]
    return ends if len(ends) == len(run_ids) else []


def built_at(deployment: Deployment, day: str) -> float:
    ends = [
        record.end_time
        for record in deployment.runs(SUCCESS)
        if record.dagster_run.tags[PARTITION_TAG] == day and record.end_time
    ]
    return min(ends)


def most_in_a_minute(calls: list[Call]) -> int:
    """The most calls that arrived within any minute, less what one may have been on its way."""
    times = sorted(call.at for call in calls)
    most = 0
    for first, start in enumerate(times):
        within = sum(time < start + 60 - ON_THE_WAY_SECONDS for time in times[first:])
        most = max(most, within)
    return most


def ledger_lines(deployment: Deployment) -> int:
    with psycopg.connect(deployment.coordination) as connection:
        row = connection.execute("SELECT count(*) FROM papers.ledger").fetchone()
    assert row
    return int(row[0])


def papers_build(env: dict[str, str]) -> None:
    command = [str(BIN / "papers"), "build", "--from", DAYS[0], "--to", DAYS[-1]]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def site_of(data: Path) -> dict[str, bytes]:
    """Every file of a site, except the search index, which is never the same twice.

    The public JSON says when each text was bought: those times are left out. So are the Parquet
    files, which say it too and have the rows of the JSON Lines beside them.
    """
    site = data / "site"
    files = {}
    for path in site.rglob("*"):
        is_compared = path.is_file() and path.suffix != ".parquet"
        if is_compared and site / "pagefind" not in path.parents:
            files[path.relative_to(site).as_posix()] = TIMES.sub(b"", path.read_bytes())
    return files


def differing(one: dict[str, bytes], other: dict[str, bytes]) -> list[str]:
    """The files that are not the same in both."""
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
