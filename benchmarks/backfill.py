"""Many days at once: a backfill, and a changed prompt. Only the requests a minute limit them."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.bench import LONG_RUNS, Bench, bare_parse_seconds, build, failures, papers
from benchmarks.bounds import Work, lower_bound, sustained_per_minute
from benchmarks.processes import Measured, folder_bytes
from benchmarks.scenario import (
    BULK,
    UNLIMITED,
    Asked,
    PaperWorld,
    Scenario,
    asked,
    calls_for,
    environment,
    sandbox,
)
from benchmarks.table import Row
from papers_pipeline.prompts.prompt import PACKAGED

ENTRIES, ENTRY_DAYS = 9_581, 558
"""The list from its first day in May 2023 to the end of 2025."""
FILES_PER_PAPER = 2
CHANGED_PROMPT = "summary.ru.md"
REFRESHED_PER_PAPER = 1


def papers_on(days: int) -> int:
    """The papers that so many days list on average."""
    return round(ENTRIES * days / ENTRY_DAYS)


def backfill_row(bench: Bench, days: int) -> Row:
    """`papers build --from … --to …` on an empty data folder."""
    scenario = replace(BULK, requests_per_minute=bench.calls_per_minute)
    world = bench.world(f"backfill-{days}", days, papers_on(days))
    work = Work(
        start_seconds=bench.start_seconds,
        days=days,
        files=FILES_PER_PAPER * world.papers,
        calls=calls_for(world.papers, days),
        parse_seconds=bare_parse_seconds(world),
    )
    bound = lower_bound(work, scenario)
    row = Row(f"backfill of {days} days, {world.papers} papers", bound.formula)
    for _ in range(bench.runs or LONG_RUNS):
        home = bench.new_folder("backfill")
        with sandbox(world, scenario) as url:
            built = build(home, world, url, scenario)
            received = asked(url)
        row.add(built.seconds, bound.seconds, built.peak_bytes)
    row.facts |= _limit_facts(received, work, scenario) | _memory_facts(built)
    row.facts |= _disk_facts(home, world) | {"failed": failures(built)}
    return row


def changed_prompt_row(bench: Bench, days: int) -> Row:
    """`papers refresh` after a line was added to the Russian prompt of so many built days."""
    scenario = replace(BULK, requests_per_minute=bench.calls_per_minute)
    world = bench.world("changed-prompt", days, papers_on(days))
    work = Work(start_seconds=bench.start_seconds, calls=world.papers * REFRESHED_PER_PAPER)
    bound = lower_bound(work, scenario)
    row = Row(f"changed prompt, {days} days, {world.papers} papers", bound.formula)
    home = bench.new_folder("changed-prompt")
    with sandbox(world, UNLIMITED) as url:
        build(home, world, url, replace(UNLIMITED, providers=scenario.providers))
    before = folder_bytes(home / "dagster")
    for number in range(bench.runs or LONG_RUNS):
        prompts = _changed_prompts(home, number)
        shutil.rmtree(home / "dagster" / "limits")  # the calls of the last minute count no more
        with sandbox(world, scenario) as url:
            env = environment(home, url, scenario) | {"PAPERS_PROMPTS_DIR": str(prompts)}
            refreshed = papers(home, env, "refresh", "--yes")
            received = asked(url)
        row.add(refreshed.seconds, bound.seconds, refreshed.peak_bytes)
    row.facts |= _limit_facts(received, work, scenario) | _memory_facts(refreshed)
    grown = folder_bytes(home / "dagster") - before
    row.facts["Dagster's home, kB a day more"] = grown / 1e3 / days / len(row.seconds)
    return row


def _changed_prompts(home: Path, number: int) -> Path:
    """A folder with the Russian prompt and a line at its end that no other repetition has."""
    folder = home / f"prompts-{number}"
    folder.mkdir()
    text = (PACKAGED / CHANGED_PROMPT).read_text(encoding="utf-8")
    changed = text.replace("{% endblock %}", f"Измерение {number}.\n{{% endblock %}}", 1)
    (folder / CHANGED_PROMPT).write_text(changed, encoding="utf-8")
    return folder


def _limit_facts(received: Asked, work: Work, scenario: Scenario) -> dict[str, Any]:
    # Calls that fit into one minute's limit may all go at once, and say nothing about a rate.
    is_limited = len(received.calls) > scenario.requests_per_minute
    sustained = sustained_per_minute(received.calls) if is_limited else None
    return {
        "calls": len(received.calls),
        "calls at least": work.calls,
        "requests a minute": "not limited" if sustained is None else sustained,
        "of a limit of": scenario.requests_per_minute,
    }


def _memory_facts(measured: Measured) -> dict[str, float]:
    return {
        "memory at the start, MB": measured.start_bytes / 1e6,
        "memory at the end, MB": measured.end_bytes / 1e6,
    }


def _disk_facts(home: Path, world: PaperWorld) -> dict[str, float]:
    data = home / "data"
    pdfs = folder_bytes(data / "blobs")
    return {
        "data, kB a paper": (folder_bytes(data) - pdfs) / 1e3 / world.papers,
        "PDFs kept for a week, kB a paper": pdfs / 1e3 / world.papers,
        "Dagster's home, kB a day": folder_bytes(home / "dagster") / 1e3 / len(world.days),
    }
