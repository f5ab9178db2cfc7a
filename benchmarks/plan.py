"""The time that `papers plan` takes for a thousand built days, before and after a prompt changes.

python benchmarks/plan.py
"""

import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from upath import UPath

from papers_pipeline.base.clock import FixedClock
from papers_pipeline.enrichment.plan import Planner
from papers_pipeline.enrichment.stages import load_stages
from papers_pipeline.llm.ledger import Ledger
from papers_pipeline.prompts.prompt import Prompt, load_prompts
from papers_pipeline.records import Enrichment, Paper
from papers_pipeline.store import files as storage
from papers_pipeline.store.cache import Cache
from papers_pipeline.store.lake import Lake, encode

DAYS, PAPERS = 1000, 20
NOW = datetime(2026, 3, 2, tzinfo=UTC)


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


def timed(name: str, planner: Planner) -> None:
    started = time.perf_counter()
    rows = planner.plan()
    seconds = time.perf_counter() - started
    calls = sum(row.calls for row in rows)
    print(f"{name}: {len(rows)} rows, {calls} calls left, {seconds:.2f} s")


def main(folder: Path) -> None:
    lake, ledger = Lake(UPath(folder) / "lake"), Ledger(folder / "ledger")
    cache = Cache(UPath(folder) / "cache", folder / "locks", FixedClock(NOW))
    prompts = load_prompts()
    stages = load_stages(prompts)
    fill(lake, stages)
    timed("all current", Planner(lake, cache, ledger, stages, dict.fromkeys(stages, ())))
    first = prompts.summaries[0]
    template = f"{first.template}\nOne line more."
    changed = Prompt.model_validate({**first.model_dump(by_alias=True), "template": template})
    stages = load_stages(
        prompts.model_copy(update={"summaries": (changed, *prompts.summaries[1:])})
    )
    timed("one prompt changed", Planner(lake, cache, ledger, stages, dict.fromkeys(stages, ())))


if __name__ == "__main__":
    with TemporaryDirectory() as temporary:
        main(Path(temporary))
