"""Spending is appended and read back; an unfinished last line is skipped."""

import json
import os
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from papers_pipeline.llm.costs import costs
from papers_pipeline.store.ledger import FileLedger, Spending

AT = datetime(2026, 3, 2, 8, tzinfo=UTC)


def spending(usd: float | None, at: datetime = AT) -> Spending:
    return Spending(
        at=at,
        asset="summaries_en",
        arxiv_id="2603.10001",
        provider="openai",
        model="m",
        prompt_version="v",
        input_tokens=10,
        output_tokens=5,
        usd=usd,
    )


def test_spendings_are_read_by_utc_day_in_order(tmp_path):
    ledger = FileLedger(tmp_path)
    for usd in (0.1, None, 0.2):
        ledger.add(spending(usd))
    ledger.add(spending(9.0, AT.replace(day=3)))
    assert [line.usd for line in ledger.spent(date(2026, 3, 2))] == [0.1, None, 0.2]
    assert list(ledger.spent(date(2026, 3, 4))) == []


@pytest.mark.fault(
    party="ledger",
    fault="killed process",
    kept="every whole line",
    retried="no",
    told="",
)
def test_a_line_that_a_killed_run_left_unfinished_is_skipped(tmp_path):
    ledger = FileLedger(tmp_path)
    ledger.add(spending(0.1))
    with (tmp_path / "2026-03-02.jsonl").open("a") as file:
        file.write('{"at": "2026-03-02T0')
    assert [line.usd for line in ledger.spent(date(2026, 3, 2))] == [0.1]
    ledger.add(spending(0.3))
    assert [line.usd for line in ledger.spent(date(2026, 3, 2))] == [0.1, 0.3]
    fresh = FileLedger(tmp_path)
    assert ledger.total_usd(AT.date()) == fresh.total_usd(AT.date()) == 0.4


@pytest.mark.fault(
    party="ledger",
    fault="malformed",
    kept="every other line",
    retried="no",
    told="a line of the ledger cannot be read",
)
@pytest.mark.fault(
    party="ledger",
    fault="damaged file",
    kept="every other line",
    retried="no",
    told="a line of the ledger cannot be read",
)
def test_a_line_that_a_power_cut_left_as_rubbish_is_skipped(tmp_path, caplog):
    ledger = FileLedger(tmp_path)
    ledger.add(spending(0.1))
    with (tmp_path / "2026-03-02.jsonl").open("ab") as file:
        file.write(b'\0\0\0"usd":9.0}\n')
    ledger.add(spending(0.3))
    assert [line.usd for line in ledger.spent(AT.date())] == [0.1, 0.3]
    assert ledger.total_usd(AT.date()) == 0.4
    assert "a line of the ledger cannot be read" in caplog.text


@pytest.mark.fault(
    party="ledger",
    fault="changed or withdrawn",
    kept="every line of an earlier release",
    retried="no",
    told="",
)
def test_a_line_of_format_1_is_a_settled_call(tmp_path):
    line = {
        **{"format": 1, "at": AT.isoformat(), "asset": "summaries_en", "provider": "openai"},
        **{"model": "m", "input_tokens": 10, "output_tokens": 5, "usd": 0.25},
    }
    (tmp_path / "2026-03-02.jsonl").write_text(json.dumps(line) + "\n" + json.dumps(line) + "\n")
    ledger = FileLedger(tmp_path)
    ledger.add(spending(0.5))
    assert [(line.usd, line.state) for line in ledger.spent(AT.date())] == [
        (0.25, "settled"),
        (0.25, "settled"),
        (0.5, "settled"),
    ]
    assert ledger.total_usd(AT.date()) == 1.0


def sent(call: str, usd: float) -> Spending:
    """The first line of a call, with the most that it may cost."""
    return spending(usd).model_copy(update={"call": call, "state": "unsettled"})


def test_a_call_counts_once_at_its_highest_price_until_it_is_settled(tmp_path):
    ledger, fresh = FileLedger(tmp_path), FileLedger(tmp_path)
    calls = [sent(name, 0.5) for name in ("settled", "refused", "lost")]
    ledger.add(*calls)
    assert ledger.total_usd(AT.date()) == 1.5
    ledger.add(calls[0].model_copy(update={"usd": 0.25, "state": "settled"}))
    ledger.add(calls[1].refused())
    assert ledger.total_usd(AT.date()) == fresh.total_usd(AT.date()) == 0.75
    assert [(line.call, line.usd, line.state) for line in ledger.spent(AT.date())] == [
        ("settled", 0.25, "settled"),
        ("lost", 0.5, "unsettled"),
    ]


def test_costs_count_a_call_without_an_end_and_mark_it(tmp_path):
    ledger = FileLedger(tmp_path)
    ledger.add(sent("settled", 0.5), sent("refused", 0.5), sent("lost", 0.5))
    ledger.add(sent("settled", 0.5).model_copy(update={"usd": 0.25, "state": "settled"}))
    ledger.add(sent("refused", 0.5).refused())
    (row,) = costs(ledger)
    assert (row["calls"], row["usd"], row["unsettled"], row["estimated"]) == (2, 0.75, 1, 0)


def add_fifty(folder: Path) -> None:
    for _ in range(50):
        FileLedger(folder).add(spending(0.1))


def test_concurrent_processes_lose_no_line_and_the_lock_is_no_day(tmp_path):
    with ProcessPoolExecutor(2) as processes:
        list(processes.map(add_fifty, [tmp_path, tmp_path]))
    assert len(list(FileLedger(tmp_path).spent(AT.date()))) == 100
    assert FileLedger(tmp_path).days() == [AT.date()]


def reserve_fifty(folder: Path) -> int:
    ledger = FileLedger(folder)
    rooms = [ledger.reserve(sent(f"{os.getpid()}-{number}", 0.1), 1.0) for number in range(50)]
    return rooms.count("reserved")


def test_processes_together_reserve_no_more_than_the_budget(tmp_path):
    with ProcessPoolExecutor(2) as processes:
        reserved = list(processes.map(reserve_fifty, [tmp_path, tmp_path]))
    assert sum(reserved) == 10
    assert FileLedger(tmp_path).total_usd(AT.date()) == pytest.approx(1.0)


def test_a_budget_has_room_again_when_a_call_is_settled_for_less(tmp_path):
    ledger, other = FileLedger(tmp_path), FileLedger(tmp_path)
    assert ledger.reserve(sent("first", 0.75), 1.0, patience_seconds=60) == "reserved"
    assert other.reserve(sent("second", 0.5), 1.0, patience_seconds=60) == "wait"
    assert other.reserve(sent("dear", 1.25), 1.0, patience_seconds=60) == "none"
    assert other.reserve(sent("second", 0.5), 1.0, patience_seconds=-1) == "none"
    ledger.add(sent("first", 0.75).model_copy(update={"usd": 0.25, "state": "settled"}))
    assert other.reserve(sent("second", 0.5), 1.0, patience_seconds=60) == "reserved"
    assert ledger.total_usd(AT.date()) == 0.75


def test_lines_name_cached_and_reasoning_tokens_only_if_there_were_any(tmp_path):
    ledger = FileLedger(tmp_path)
    ledger.add(spending(0.1))
    ledger.add(spending(0.2).model_copy(update={"cache_read_tokens": 8, "reasoning_tokens": 3}))
    plain, detailed = map(json.loads, (tmp_path / "2026-03-02.jsonl").read_text().splitlines())
    assert set(plain) == {
        *("format", "at", "asset", "arxiv_id", "day", "provider", "model", "prompt_version"),
        *("input_tokens", "output_tokens", "usd"),
    }
    assert set(detailed) - set(plain) == {"cache_read_tokens", "reasoning_tokens"}
    ledger.add(spending(0.3).model_copy(update={"state": "estimated"}))
    estimated = json.loads((tmp_path / "2026-03-02.jsonl").read_text().splitlines()[-1])
    assert set(estimated) - set(plain) == {"state"}
    parts = [(line.cache_read_tokens, line.reasoning_tokens) for line in ledger.spent(AT.date())]
    assert parts == [(0, 0), (8, 3), (0, 0)]
