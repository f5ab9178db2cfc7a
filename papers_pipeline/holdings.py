"""Everything that is held of one paper."""

import json
from typing import Any

from upath import UPath

from papers_pipeline.core.lake import Lake
from papers_pipeline.records import DailyIssue, Record


def holdings(data: UPath, arxiv_id: str) -> list[tuple[str, dict[str, Any]]]:
    """Title and content of each thing held of a paper: its row of every asset on every day that listed it, its entry of
    each day's issue among them; an empty list when no day has."""
    lake = Lake(data / "lake")
    assets = lake.assets()
    days = [day for day in lake.partitions("feed_listing") if _row(lake, "feed_listing", day, arxiv_id)]
    found = [(f"{asset} {day}", _row(lake, asset, day, arxiv_id)) for day in days for asset in assets]
    return [(title, content) for title, content in found if content]


def _row(lake: Lake, asset: str, day: str, arxiv_id: str) -> dict[str, Any] | None:
    rows: list[Record] = lake.read(asset, day, Record) or []
    for row in rows:
        if isinstance(row, DailyIssue):
            rows_of_papers = [paper for paper in row.papers if paper.id == arxiv_id]
            return rows_of_papers[0].model_dump(mode="json") if rows_of_papers else None
        if getattr(row, "arxiv_id", None) == arxiv_id:
            content: dict[str, Any] = json.loads(row.model_dump_json())
            return content
    return None
