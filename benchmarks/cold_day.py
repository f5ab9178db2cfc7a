"""A cold day: `papers build` on an empty data folder, against its lower bound and against one call
after another."""

import sys
from pathlib import Path

from benchmarks.bench import QUICK_RUNS, Bench, bare_parse_seconds, build, failures
from benchmarks.bounds import Work, lower_bound
from benchmarks.picture import draw, step_bars
from benchmarks.processes import measure
from benchmarks.scenario import COLD, ROOT, PaperWorld, asked, calls_for, environment, sandbox
from benchmarks.table import Row
from papers_pipeline.store.ledger import FileLedger

FILES_PER_PAPER = 2


def cold_day_row(bench: Bench) -> Row:
    """The cold day. Draws the picture of its last repetition."""
    world = bench.day_world
    work = Work(
        start_seconds=bench.start_seconds,
        days=1,
        files=FILES_PER_PAPER * world.papers,
        calls=calls_for(world.papers),
        parse_seconds=bare_parse_seconds(world),
    )
    bound = lower_bound(work, COLD)
    row = Row(f"cold day, {world.papers} papers", bound.formula)
    for _ in range(bench.runs or QUICK_RUNS):
        home = bench.new_folder("cold")
        with sandbox(world, COLD) as url:
            built = build(home, world, url, COLD)
            received = asked(url)
        row.add(built.seconds, bound.seconds, built.peak_bytes)
    row.facts |= {
        "calls": len(received.calls),
        "calls at least": work.calls,
        "files": received.files,
        "failed": failures(built),
        "USD a paper": _spent_usd(home / "data" / "ledger") / world.papers,
    }
    bars = step_bars(home / "dagster", built.started_at)
    draw(bench.picture, bars, built.seconds, bound.seconds)
    if bench.with_old_script:
        row.old_seconds = _old_script_seconds(bench, world)
        row.facts["old script, seconds"] = row.old_seconds
        row.facts["old script, times the bound"] = row.old_seconds / bound.seconds
    return row


def _old_script_seconds(bench: Bench, world: PaperWorld) -> float:
    home = bench.new_folder("old-script")
    with sandbox(world, COLD) as url:
        command = [sys.executable, "-m", "benchmarks.old_script"]
        command += [url, str(world.days[0]), str(home)]
        return measure(command, environment(home, url, COLD), ROOT).seconds


def _spent_usd(ledger: Path) -> float:
    """The price of all calls, with tokens as the sandbox counts them: one for four characters."""
    spent = FileLedger(ledger)
    return sum(call.usd or 0.0 for day in spent.days() for call in spent.spent(day))
