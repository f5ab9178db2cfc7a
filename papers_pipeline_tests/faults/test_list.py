"""The list of Hugging Face in every fault: what stays, how often it is asked for, what is told."""

from functools import partial
from typing import Any

import pytest

from papers_pipeline import wiring
from papers_pipeline.base.http import session
from papers_pipeline.runs import mark_dead_runs
from papers_pipeline.sandbox.world import Fault
from papers_pipeline.settings import load_settings
from papers_pipeline.store import files as storage
from papers_pipeline_tests.audit.matrix import Cell
from papers_pipeline_tests.conftest import Outside, Pipeline
from papers_pipeline_tests.helpers.disk import full
from papers_pipeline_tests.helpers.outside import FEED, kettles
from papers_pipeline_tests.helpers.repeating import times
from papers_pipeline_tests.helpers.speaking import endless, speaking
from papers_pipeline_tests.helpers.terminal import start, wait_until

DAY = "2026-03-02"
JSON = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n["


@pytest.fixture
def built(outside: Outside, pipeline: Pipeline, monkeypatch) -> Pipeline:
    """A day whose list is stored. A wait of a second takes a millisecond."""
    monkeypatch.setattr(wiring, "session", partial(session, backoff_seconds=0.001))
    outside.list(DAY, kettles(1, 2))
    pipeline.build(DAY, only=FEED)
    return pipeline


def stored(pipeline: Pipeline) -> dict[str, list[Any]]:
    return {asset: pipeline.rows(asset, DAY) for asset in FEED}


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(
            Fault("daily_papers", 403, "{}", times=9),
            marks=pytest.mark.fault(
                party="list",
                fault="401 or 403",
                kept="the day as it was",
                retried="no, then by each build",
                told="answered 403: the token is not accepted; check HF_TOKEN or unset it",
            ),
        ),
        pytest.param(
            Fault("daily_papers", 404, "{}", times=9),
            marks=pytest.mark.fault(
                party="list",
                fault="404",
                kept="the day as it was",
                retried="no, then by each build",
                told="answered 404: is HF_ENDPOINT right?",
            ),
        ),
        pytest.param(
            Fault("daily_papers", 429, times=9),
            marks=pytest.mark.fault(
                party="list",
                fault="429",
                kept="the day as it was",
                retried="4 times, then by each build",
                told="answered 429 after all retries: it asks to wait; run again then, or set "
                "HF_TOKEN for twice the limit",
            ),
        ),
        pytest.param(
            Fault("daily_papers", 503, times=9),
            marks=pytest.mark.fault(
                party="list",
                fault="5xx",
                kept="the day as it was",
                retried="4 times, then by each build",
                told="answered 503 after all retries: the service is in trouble; run again later",
            ),
        ),
        pytest.param(
            Fault("daily_papers", cut_after=10, times=9),
            marks=pytest.mark.fault(
                party="list",
                fault="cut short",
                kept="the day as it was",
                retried="no, then by each build",
                told="cannot be reached (",
            ),
        ),
        pytest.param(
            Fault("daily_papers", 200, "<html>Back soon</html>", times=9),
            marks=pytest.mark.fault(
                party="list",
                fault="malformed",
                kept="the day as it was",
                retried="no, then by each build",
                told="the list is HTML: '<html>Back soon</html>' (a proxy or maintenance page?)",
            ),
        ),
        pytest.param(
            Fault("daily_papers", 200, "[" * 100_000, times=9),
            marks=pytest.mark.fault(
                party="list",
                fault="hostile",
                kept="the day as it was",
                retried="no, then by each build",
                told="the list is nested too deeply for one of papers: is HF_ENDPOINT right?",
            ),
        ),
        pytest.param(
            Fault("daily_papers", 200, '{"data": []}', times=9),
            marks=pytest.mark.fault(
                party="list",
                fault="changed or withdrawn",
                kept="the day as it was",
                retried="no, then by each build",
                told="the API's format changed: expected a list, got dict with keys ['data']",
            ),
        ),
    ],
    ids=lambda fault: f"{fault.status} {fault.body[:9]}",
)
def test_a_list_that_cannot_be_had_leaves_its_day(
    cell: Cell, built: Pipeline, outside: Outside, fault: Fault
):
    before = stored(built)
    outside.world.faults.append(fault)
    (report,) = built.build(DAY, only=FEED)
    assert cell.told in report.error
    assert stored(built) == before
    assert cell.retried == f"{times(9 - fault.times)}, then by each build"
    outside.world.faults.clear()
    assert built.build(DAY, only=FEED)[0].error is None


@pytest.mark.parametrize(
    ("answer", "pause_seconds"),
    [
        pytest.param(
            lambda _: [],
            0,
            marks=pytest.mark.fault(
                party="list",
                fault="unreachable",
                kept="the day as it was",
                retried="4 times, then by each build",
                told="cannot be reached (",
            ),
        ),
        pytest.param(
            lambda _: endless(JSON),
            0.05,
            marks=pytest.mark.fault(
                party="list",
                fault="slow or drips",
                kept="the day as it was",
                retried="no, then by each build",
                told="is too slow (no complete answer within 0.3 s): try again later",
            ),
        ),
        pytest.param(
            lambda _: [b""],
            60,
            marks=pytest.mark.fault(
                party="list",
                fault="timeout",
                kept="the day as it was",
                retried="4 times, then by each build",
                told="is too slow (no complete answer within 0.3 s): try again later",
            ),
        ),
    ],
    ids=["unreachable", "drips", "silent"],
)
def test_a_list_that_does_not_come_leaves_its_day(
    cell: Cell, built: Pipeline, outside: Outside, monkeypatch, answer: Any, pause_seconds: float
):
    before = stored(built)
    monkeypatch.setattr(wiring, "LONGEST_LIST_SECONDS", 0.3)
    with speaking(answer, pause_seconds) as speaker:
        monkeypatch.setenv("HF_ENDPOINT", speaker.url)
        (report,) = built.build(DAY, only=FEED)
    assert cell.told in report.error
    assert stored(built) == before
    assert cell.retried == f"{times(speaker.count('daily_papers'))}, then by each build"
    monkeypatch.setenv("HF_ENDPOINT", outside.url)
    assert built.build(DAY, only=FEED)[0].error is None


@pytest.mark.fault(
    party="list",
    fault="full disk",
    kept="the day as it was",
    retried="by each build",
    told="No space left on device",
)
def test_a_list_that_does_not_fit_on_the_disk_leaves_its_day(
    cell: Cell, built: Pipeline, outside: Outside, monkeypatch
):
    before = stored(built)
    outside.list(DAY, kettles(1, 2, 3))
    with monkeypatch.context() as disk:
        disk.setattr(storage, "write", full("feed_response"))
        (report,) = built.build(DAY, only=FEED)
    assert cell.told in report.error
    assert stored(built) == before
    assert built.build(DAY, only=FEED)[0].error is None
    assert len(built.rows("feed_listing", DAY)) == 3


@pytest.mark.fault(
    party="list",
    fault="damaged file",
    kept="the newest list, asked for again; not the responses before it",
    retried="by each build",
    told="It is set aside as 2026-03-02.parquet.damaged",
)
def test_a_stored_list_that_is_damaged_is_asked_for_again(cell: Cell, built: Pipeline, caplog):
    before = stored(built)
    (built.data / "lake" / "feed_response" / f"{DAY}.parquet").write_bytes(b"")
    assert built.build(DAY, only=FEED)[0].error is None
    assert cell.told in caplog.text
    assert [row.body for row in built.rows("feed_response", DAY)] == [
        row.body for row in before["feed_response"]
    ]
    assert built.rows("paper_votes", DAY) == before["paper_votes"]


@pytest.mark.fault(
    party=("list", "Dagster's databases"),
    fault="killed process",
    kept="the day as it was",
    retried="by each build",
    told="ended without reporting a result. Its finished work is kept.",
)
def test_a_build_that_is_killed_while_it_waits_for_the_list_leaves_its_day(
    cell: Cell, built: Pipeline, outside: Outside
):
    before = stored(built)
    outside.world.faults.append(Fault("daily_papers", seconds=600))
    build = start("build", "--date", DAY)
    wait_until(lambda: outside.world.faults[0].times == 0)
    build.kill()
    build.communicate()
    (dead,) = mark_dead_runs(built.instance, wiring.coordination_of(load_settings()))
    assert any(cell.told in str(entry) for entry in built.instance.all_logs(dead))
    assert stored(built) == before
    assert built.build(DAY, only=FEED)[0].error is None
