"""What longer lists would cost, take and occupy, from the figures of the bench's JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.bounds import Work, lower_bound
from benchmarks.scenario import COLD, Scenario, calls_for
from benchmarks.table import markdown, short
from papers_pipeline.base.model_providers import PROVIDERS
from papers_pipeline.settings import Settings

PAPERS_A_DAY, LISTED_DAYS_A_MONTH = 50, 21
ARXIV_A_MONTH, DAYS_A_MONTH = 30_000, 30
FILES_PER_PAPER = 2
BACKFILL = "backfill_"
BATCH_PRICE = 0.5
PROVIDER = "openai"
"""The provider that the packaged prompts ask most."""
UNLIMITED = 1_000_000
HEADERS = (
    "list",
    "papers a month",
    "USD a month",
    "by batch",
    "a day takes",
    "waits for",
    "disk a year",
)


@dataclass(frozen=True)
class Figures:
    """What the bench measured.

    - `cold_ratio`: a cold day by its lower bound.
    - `parse_seconds_per_paper`: of a processor, with the whole parser.
    - `kilobytes_per_paper`: lake, purchases, site, ledger and logs; PDFs are deleted after a week.
    - `dagster_kilobytes_per_day`: run history and event log.
    """

    usd_per_paper: float
    cold_ratio: float
    start_seconds: float
    parse_seconds_per_paper: float
    kilobytes_per_paper: float
    dagster_kilobytes_per_day: float


def figures(stored: Mapping[str, Any]) -> Figures:
    """The figures in the bench's JSON; those of disk are from its longest backfill.

    Raises SystemExit if one is missing.
    """
    backfills = [name for name in stored if name.startswith(BACKFILL)]
    backfills.sort(key=lambda name: int(name.removeprefix(BACKFILL)))
    if not backfills or not {"cold", "parse"} <= set(stored):
        raise SystemExit("The rows cold, parse and backfill_20 are needed: run make bench first")
    (cold,), (parse,), (backfill,) = stored["cold"], stored["parse"], stored[backfills[-1]]
    return Figures(
        usd_per_paper=cold["facts"]["USD a paper"],
        cold_ratio=median(cold["ratios"]),
        start_seconds=stored["start_seconds"],
        parse_seconds_per_paper=median(parse["seconds"]) / parse["facts"]["papers"],
        kilobytes_per_paper=backfill["facts"]["data, kB a paper"],
        dagster_kilobytes_per_day=backfill["facts"]["Dagster's home, kB a day"],
    )


def default_limits() -> Scenario:
    """The scenario's latencies with the limits that the settings have by default."""
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    return Scenario(
        list_seconds=COLD.list_seconds,
        arxiv_seconds=COLD.arxiv_seconds,
        model_seconds=COLD.model_seconds,
        arxiv_files_per_second=defaults["arxiv_requests_per_second"],
        concurrency=defaults["llm_concurrency"],
        requests_per_minute=PROVIDERS[PROVIDER].requests_per_minute or UNLIMITED,
    )


def scaling_table(measured: Figures, limits: Scenario) -> str:
    """A Markdown table: 1, 10 and 100 times today's list, and every paper of arXiv."""
    lists = [
        (f"{factor} × today's", PAPERS_A_DAY * factor, LISTED_DAYS_A_MONTH)
        for factor in (1, 10, 100)
    ]
    lists.append(("all of arXiv", ARXIV_A_MONTH // DAYS_A_MONTH, DAYS_A_MONTH))
    rows = []
    for name, papers_a_day, days in lists:
        papers = papers_a_day * days
        usd = papers * measured.usd_per_paper
        seconds, slowest = day_seconds(papers_a_day, measured, limits)
        kilobytes = papers * measured.kilobytes_per_paper
        kilobytes += days * measured.dagster_kilobytes_per_day
        rows.append(
            (
                f"{name}, {papers_a_day:,} a day",
                f"{papers:,}",
                short(usd),
                short(usd * BATCH_PRICE),
                duration(seconds),
                slowest,
                f"{short(kilobytes * 12 / 1e6)} GB",
            )
        )
    return markdown(HEADERS, rows)


def day_seconds(papers: int, measured: Figures, limits: Scenario) -> tuple[float, str]:
    """The time of a day of so many papers and what it waits for: its bound × the cold day's ratio.

    One processor parses.
    """
    work = Work(
        start_seconds=measured.start_seconds,
        days=1,
        files=FILES_PER_PAPER * papers,
        calls=calls_for(papers),
        parse_seconds=measured.parse_seconds_per_paper * papers,
    )
    bound = lower_bound(work, limits)
    return bound.seconds * measured.cold_ratio, bound.slowest


def duration(seconds: float) -> str:
    """Minutes, or hours above two."""
    minutes = seconds / 60
    return f"{short(minutes)} min" if minutes < 120 else f"{short(minutes / 60)} h"
