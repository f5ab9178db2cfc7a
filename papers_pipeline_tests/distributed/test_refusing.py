"""A worker with other prompts than the daemon's."""

from pathlib import Path

import pytest

from papers_pipeline.prompts.prompt import PACKAGED
from papers_pipeline.runs import TAKEN_TAG
from papers_pipeline_tests.helpers.machines import (
    FAILURE,
    launch_backfill,
    running_deployment,
    until,
)
from papers_pipeline_tests.helpers.outside import Outside, kettles

DAYS = ["2026-03-02", "2026-03-03"]
ONE_BY_ONE = {"max_concurrent_runs: 4": "max_concurrent_runs: 1"}


@pytest.mark.programs("initdb", "redis-server")
def test_a_worker_with_other_prompts_refuses_one_run_and_takes_no_more(
    outside: Outside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for number, day in enumerate(DAYS):
        outside.list(day, kettles(number))
    outside.offer(monkeypatch)
    prompts = tmp_path / "prompts"
    prompts.mkdir()
    prompt = (PACKAGED / "topic_tags.md").read_text(encoding="utf-8")
    (prompts / "topic_tags.md").write_text(f"{prompt}\nBe brief.\n", encoding="utf-8")
    with running_deployment(tmp_path, ONE_BY_ONE) as deployment:
        odd, other = deployment.workers
        odd.start("papers", "worker", "--name", "m1", PAPERS_PROMPTS_DIR=str(prompts))
        launch_backfill(deployment.daemon, DAYS)
        until(lambda: deployment.runs(FAILURE), 600)
        other.start_worker()
        until(lambda: deployment.built() == set(DAYS), 600)
        takers = [record.dagster_run.tags[TAKEN_TAG] for record in deployment.runs()]
        assert [taker.split("@")[0] for taker in takers].count(odd.name) == 1
