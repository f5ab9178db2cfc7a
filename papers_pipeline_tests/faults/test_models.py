"""Each provider of models in every fault: what is kept, how often it is asked, what is told."""

import json
import multiprocessing
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from papers_pipeline.llm.costs import costs
from papers_pipeline.llm.providers import Access
from papers_pipeline.records import Paper
from papers_pipeline.sandbox.world import Fault, Reply, World
from papers_pipeline.store import files as storage
from papers_pipeline_tests.audit.matrix import Cell
from papers_pipeline_tests.conftest import Outside
from papers_pipeline_tests.helpers.buying import PAPERS, Desk
from papers_pipeline_tests.helpers.disk import full
from papers_pipeline_tests.helpers.repeating import times
from papers_pipeline_tests.helpers.speaking import endless, speaking
from papers_pipeline_tests.helpers.terminal import wait_until

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{"
FOREIGN = {"body": json.dumps({"answer": 42}), "headers": {"Content-Type": "application/json"}}


@pytest.fixture
def desk(outside: Outside, tmp_path: Path) -> Desk:
    return Desk(outside, tmp_path / "state")


def each_provider(cell: Cell) -> Iterator[tuple[str, Paper]]:
    """The providers of a cell, each with a paper of its own."""
    parties = (cell.party,) if isinstance(cell.party, str) else cell.party
    for party, paper in zip(parties, PAPERS, strict=False):
        yield party.lower(), paper


def changed(paper: Paper) -> Paper:
    """The paper with another abstract: its text has to be bought anew."""
    return paper.model_copy(update={"abstract": f"{paper.abstract} It works."})


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(
            {"status": 403},
            marks=pytest.mark.fault(
                party=("OpenAI", "Anthropic", "Mistral"),
                fault="401 or 403",
                kept="the text of the last build; other models are asked",
                retried="no, then by each build",
                told="status_code: 403",
            ),
        ),
        pytest.param(
            {"status": 404},
            marks=pytest.mark.fault(
                party=("OpenAI", "Anthropic", "Mistral"),
                fault="404",
                kept="the text of the last build; other models are asked",
                retried="no, then by each build",
                told="status_code: 404",
            ),
        ),
        pytest.param(
            {"status": 503},
            marks=pytest.mark.fault(
                party=("OpenAI", "Anthropic", "Mistral"),
                fault="5xx",
                kept="the text of the last build; other models are asked",
                retried="twice, then by each build",
                told="status_code: 503",
            ),
        ),
        pytest.param(
            {"cut_after": 20},
            marks=pytest.mark.fault(
                party=("OpenAI", "Anthropic"),
                fault="cut short",
                kept="the text of the last build; other models are asked",
                retried="once, then by each build",
                told="Connection error.",
            ),
        ),
        pytest.param(
            {"cut_after": 20},
            marks=pytest.mark.fault(
                party="Mistral",
                fault="cut short",
                kept="the text of the last build; other models are asked",
                retried="once, then by each build",
                told="peer closed connection without sending complete message body",
            ),
        ),
        pytest.param(
            {"seconds": 1.5},
            marks=pytest.mark.fault(
                party=("OpenAI", "Anthropic"),
                fault="timeout",
                kept="the text of the last build; other models are asked",
                retried="once, then by each build",
                told="Request timed out",
            ),
        ),
        pytest.param(
            {"seconds": 1.5},
            marks=pytest.mark.fault(
                party="Mistral",
                fault="timeout",
                kept="the text of the last build; other models are asked",
                retried="once, then by each build",
                told="ReadTimeout",
            ),
        ),
        pytest.param(
            FOREIGN,
            marks=pytest.mark.fault(
                party="OpenAI",
                fault="changed or withdrawn",
                kept="the text of the last build; other models are asked",
                retried="no, then by each build",
                told="Invalid response from openai chat completions endpoint",
            ),
        ),
        pytest.param(
            FOREIGN,
            marks=pytest.mark.fault(
                party="Anthropic",
                fault="changed or withdrawn",
                kept="the text of the last build; other models are asked",
                retried="no, then by each build",
                told="no readable answer (",
            ),
        ),
        pytest.param(
            FOREIGN,
            marks=pytest.mark.fault(
                party="Mistral",
                fault="changed or withdrawn",
                kept="the text of the last build; other models are asked",
                retried="no, then by each build",
                told="Response validation failed",
            ),
        ),
    ],
    ids=str,
)
def test_a_provider_that_gives_no_answer_costs_no_text(
    cell: Cell, desk: Desk, outside: Outside, fault: dict[str, Any]
):
    timeout_seconds = 0.5 if "seconds" in fault else 20
    for provider, paper in each_provider(cell):
        outside.world.faults.clear()
        desk.made(provider)
        earlier = desk.buy(papers=[paper]).row

        outside.world.faults.append(Fault(f"/{provider}/", times=99, **fault))
        outside.world.calls.clear()
        desk.made(provider, timeout_seconds=timeout_seconds)
        row = desk.buy(papers=[changed(paper)]).row
        assert (row.state, row.reason) == ("failed", "unreachable")
        assert cell.told in row.detail
        tries = len(outside.world.calls)
        assert cell.retried == f"{times(tries)}, then by each build"

        desk.made(provider, timeout_seconds=timeout_seconds)
        assert desk.buy(papers=[changed(paper)], earlier=[earlier]).row == earlier
        assert len(outside.world.calls) == 2 * tries
        desk.made(timeout_seconds=timeout_seconds)
        assert desk.buy(papers=[changed(paper)]).row.provider not in (None, provider)


@pytest.mark.parametrize(
    ("answer", "pause_seconds"),
    [
        pytest.param(
            lambda _: [],
            0,
            marks=pytest.mark.fault(
                party=("OpenAI", "Anthropic"),
                fault="unreachable",
                kept="the text of the last build; other models are asked",
                retried="once, then by each build",
                told="Connection error.",
            ),
        ),
        pytest.param(
            lambda _: [],
            0,
            marks=pytest.mark.fault(
                party="Mistral",
                fault="unreachable",
                kept="the text of the last build; other models are asked",
                retried="once, then by each build",
                told="Server disconnected without sending a response.",
            ),
        ),
        pytest.param(
            lambda _: endless(HEAD),
            0.05,
            marks=pytest.mark.fault(
                party=("OpenAI", "Anthropic", "Mistral"),
                fault="slow or drips",
                kept="the text of the last build; other models are asked",
                retried="once, then by each build",
                told="no complete answer within 0.5 s",
            ),
        ),
    ],
    ids=["unreachable", "unreachable Mistral", "drips"],
)
def test_a_provider_that_does_not_come_to_an_end_costs_no_text(
    cell: Cell, desk: Desk, answer: Any, pause_seconds: float
):
    for provider, paper in each_provider(cell):
        desk.made(provider)
        earlier = desk.buy(papers=[paper]).row
        with speaking(answer, pause_seconds) as speaker:

            def unwell(provider: str = provider, url: str = speaker.url) -> None:
                desk.made(provider, timeout_seconds=0.25)
                desk.models.access = {**desk.models.access, provider: Access("key", url)}

            unwell()
            row = desk.buy(papers=[changed(paper)]).row
            assert (row.state, row.reason) == ("failed", "unreachable")
            assert cell.told in row.detail
            tries = len(speaker.requests)
            assert cell.retried == f"{times(tries)}, then by each build"
            unwell()
            assert desk.buy(papers=[changed(paper)], earlier=[earlier]).row == earlier
            assert len(speaker.requests) == 2 * tries
        desk.made(*({"openai", "anthropic", "mistral"} - {provider}))
        assert desk.buy(papers=[changed(paper)]).row.state == "done"


@pytest.mark.fault(
    party=("OpenAI", "Anthropic", "Mistral"),
    fault="429",
    kept="the text of the last build; other models are asked",
    retried="after a pause of up to a minute; after a longer one by later builds",
    told="status_code: 429",
)
def test_a_provider_that_asks_for_a_pause_gets_it(cell: Cell, outside: Outside, tmp_path: Path):
    for provider, paper in each_provider(cell):
        outside.world.faults.clear()
        desk = Desk(outside, tmp_path / provider)
        desk.made(provider)
        earlier = desk.buy(papers=[paper]).row
        outside.world.faults.append(Fault(f"/{provider}/", 429, headers={"Retry-After": "1"}))
        assert desk.buy("topic_tags", papers=[paper]).row.state == "done"

        outside.world.calls.clear()
        headers = {"Retry-After": "3600"}
        outside.world.faults.append(Fault(f"/{provider}/", 429, headers=headers, times=99))
        row = desk.buy(papers=[changed(paper)]).row
        assert (row.state, row.reason) == ("failed", "unreachable")
        assert cell.told in row.detail
        desk.made(provider)
        assert desk.buy(papers=[changed(paper)], earlier=[earlier]).row == earlier
        assert len(outside.world.calls) == 1
        desk.made()
        assert desk.buy(papers=[changed(paper)]).row.provider not in (None, provider)


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(
            Reply("truncated", times=9),
            marks=pytest.mark.fault(
                party=("OpenAI", "Anthropic", "Mistral"),
                fault="cut short",
                kept="the text of the last build; other models are asked",
                retried="no, then after a day",
                told="the answer was cut off at 2000 tokens",
            ),
        ),
        pytest.param(
            Reply("malformed", times=9),
            marks=pytest.mark.fault(
                party=("OpenAI", "Anthropic", "Mistral"),
                fault="malformed",
                kept="the text of the last build; other models are asked",
                retried="twice, then after a day",
                told="Exceeded maximum output retries (2)",
            ),
        ),
        pytest.param(
            Reply(content={"title": "Kettles", "text": "See <script>run()</script>."}, times=9),
            marks=pytest.mark.fault(
                party=("OpenAI", "Anthropic", "Mistral"),
                fault="hostile",
                kept="the text of the last build; other models are asked",
                retried="twice, then after a day",
                told='The text holds an HTML tag, "<script>": write plain text without it.',
            ),
        ),
        pytest.param(
            Reply("refusal", times=9),
            marks=pytest.mark.fault(
                party=("OpenAI", "Anthropic"),
                fault="refusal",
                kept="the text of the last build; other models are asked",
                retried="no, then after a day",
                told="Content filter triggered.",
            ),
        ),
        pytest.param(
            Reply("refusal", times=9),
            marks=pytest.mark.fault(
                party="Mistral",
                fault="refusal",
                kept="the text of the last build; other models are asked",
                retried="twice, then after a day",
                told="Exceeded maximum output retries (2)",
            ),
        ),
        pytest.param(
            Reply("empty", times=9),
            marks=pytest.mark.fault(
                party=("OpenAI", "Anthropic", "Mistral"),
                fault="nothing or prose",
                kept="the text of the last build; other models are asked",
                retried="twice, then after a day",
                told="Exceeded maximum output retries (2)",
            ),
        ),
    ],
    ids=["truncated", "malformed", "hostile", "refusal", "refusal Mistral", "empty"],
)
def test_an_answer_that_cannot_be_published_costs_no_text(
    cell: Cell, desk: Desk, outside: Outside, reply: Reply
):
    for provider, paper in each_provider(cell):
        outside.world.replies.clear()
        desk.made(provider)
        earlier = desk.buy(papers=[paper]).row

        outside.world.replies.append(Reply(reply.kind, reply.content, provider, times=99))
        outside.world.calls.clear()
        row = desk.buy(papers=[changed(paper)]).row
        assert (row.state, row.reason in ("unusable", "refused")) == ("failed", True)
        assert cell.told in row.detail
        tries = len(outside.world.calls)
        assert cell.retried == f"{times(tries)}, then after a day"

        desk.made(provider)
        assert desk.buy(papers=[changed(paper)], earlier=[earlier]).row == earlier
        assert len(outside.world.calls) == tries
        desk.clock.moment += timedelta(days=1)
        assert desk.buy(papers=[changed(paper)], earlier=[earlier]).row == earlier
        assert len(outside.world.calls) == 2 * tries
        desk.made()
        assert desk.buy(papers=[changed(paper)]).row.provider not in (None, provider)


def buy_in_vain(url: str, folder: Path, provider: str) -> None:
    """What a process does that is killed before its answer comes."""
    desk = Desk(Outside(World(), url), folder)
    desk.made(provider)
    desk.buy()


@pytest.mark.slow
@pytest.mark.fault(
    party=("OpenAI", "Anthropic", "Mistral"),
    fault="killed process",
    kept="every text bought before; the request counts at its highest price",
    retried="by each build",
    told="unsettled",
)
def test_a_process_that_is_killed_while_it_waits_for_an_answer_hides_no_cost(
    cell: Cell, desk: Desk, outside: Outside
):
    outside.world.latency_seconds = 30
    spawn = multiprocessing.get_context("spawn").Process
    for number, (provider, _) in enumerate(each_provider(cell), 1):
        process = spawn(target=buy_in_vain, args=(outside.url, desk.folder, provider))
        process.start()
        wait_until(lambda number=number: len(outside.world.calls) == number)
        process.kill()
        process.join()
    outside.world.latency_seconds = 0
    rows = costs(desk.models.ledger)
    assert [row[cell.told] for row in rows] == [1, 1, 1]
    assert all(row["usd"] > 0 for row in rows)
    for provider, paper in each_provider(cell):
        desk.made(provider)
        assert desk.buy(papers=[paper]).row.state == "done"


@pytest.mark.fault(
    party=("OpenAI", "Anthropic", "Mistral"),
    fault="full disk",
    kept="the text of the last build; the new one is lost, and its price is in the ledger",
    retried="by each build",
    told="No space left on device",
)
def test_an_answer_that_does_not_fit_on_the_disk_is_bought_again(
    cell: Cell, desk: Desk, outside: Outside, monkeypatch
):
    for provider, paper in each_provider(cell):
        desk.made(provider)
        earlier = desk.buy(papers=[paper]).row
        before = len(desk.spendings())
        with monkeypatch.context() as disk:
            disk.setattr(storage, "write", full("purchases"))
            row = desk.buy(papers=[changed(paper)]).row
            assert row.state == "failed"
            assert cell.told in row.detail
            assert desk.buy(papers=[changed(paper)], earlier=[earlier]).row == earlier
        assert desk.buy(papers=[changed(paper)]).row.state == "done"
        new = desk.spendings()[before:]
        assert [spending.state for spending in new] == ["settled"] * 3
