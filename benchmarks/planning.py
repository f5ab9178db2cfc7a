"""`papers plan` over a thousand built days, against reading the bytes of the tables it compares."""

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from upath import UPath

from benchmarks.bench import QUICK_RUNS, Bench
from benchmarks.table import Row
from papers_pipeline.base.clock import FixedClock
from papers_pipeline.coordination.files import FileCoordination
from papers_pipeline.enrichment.plan import Planner
from papers_pipeline.enrichment.stages import load_stages
from papers_pipeline.llm.batch_store import BatchStore
from papers_pipeline.prompts.prompt import Prompt, load_prompts
from papers_pipeline.records import Enrichment, Paper
from papers_pipeline.store import files as storage
from papers_pipeline.store.lake import Lake, encode
from papers_pipeline.store.ledger import FileLedger
from papers_pipeline.store.purchases import Purchases

DAYS, PAPERS = 1000, 20
NOW = datetime(2026, 3, 2, tzinfo=UTC)


def plan_rows(bench: Bench) -> Iterator[Row]:
    """The plan if all is current, and after the first prompt has changed."""
    folder = bench.new_folder("plan")
    lake, ledger = Lake(UPath(folder) / "lake"), FileLedger(folder / "ledger")
    batches = BatchStore(UPath(folder) / "batches")
    locks = FileCoordination(folder / "home", folder / "ledger")
    purchases = Purchases(UPath(folder) / "purchases", locks, FixedClock(NOW))
    prompts = load_prompts()
    stages = load_stages(prompts)
    fill(lake, stages)
    first = prompts.summaries[0]
    template = f"{first.template}\nOne line more."
    changed = Prompt.model_validate({**first.model_dump(by_alias=True), "template": template})
    with_change = prompts.model_copy(update={"summaries": (changed, *prompts.summaries[1:])})
    for name, current in (
        ("all current", stages),
        ("a changed prompt", load_stages(with_change)),
    ):
        row = Row(f"plan of {DAYS} days, {name}", "reading the bytes of the tables")
        for _ in range(bench.runs or QUICK_RUNS):
            nothing = dict.fromkeys(current, ())
            planner = Planner(lake, purchases, ledger, current, nothing, batches)
            bare = read_seconds(folder / "lake")
            started = time.perf_counter()
            planned = planner.plan()
            row.add(time.perf_counter() - started, bare)
        row.facts["calls left"] = sum(planned_row.calls for planned_row in planned)
        yield row


def fill(lake: Lake, stages: dict[str, Any]) -> None:
    """Store a list and current rows of every prompt for each day."""
    for number in range(DAYS):
        day = str(date(2023, 5, 1) + timedelta(days=number))
        ids = [f"{number:04}.{paper:05}" for paper in range(PAPERS)]
        papers = [listed(arxiv_id) for arxiv_id in ids]
        storage.write(lake.path("feed_listing", day), encode(papers, Paper))
        for asset, stage in stages.items():
            rows = [row_of(stage.record, stage.prompt, arxiv_id) for arxiv_id in ids]
            storage.write(lake.path(asset, day), encode(rows, stage.record))


def listed(arxiv_id: str) -> Paper:
    return Paper(
        arxiv_id=arxiv_id,
        title=arxiv_id,
        abstract="A." * 500,
        authors=[],
        first_seen_at=NOW,
    )


def row_of(record: type[Enrichment], prompt: Prompt, arxiv_id: str) -> Enrichment:
    return record.model_validate(
        {
            "arxiv_id": arxiv_id,
            "state": "done",
            "source": "model",
            "prompt_version": prompt.version,
            "input_hash": f"{arxiv_id:>016}",
        }
    )


def read_seconds(folder: Path) -> float:
    """The seconds to read every file of a folder."""
    started = time.perf_counter()
    for path in folder.rglob("*.parquet"):
        path.read_bytes()
    return time.perf_counter() - started
