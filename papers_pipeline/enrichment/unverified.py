"""How many stored texts have something that their source does not."""

from collections.abc import Sequence
from datetime import date

from papers_pipeline.enrichment.stage import AnyStage
from papers_pipeline.store.lake import Lake, scan

COLUMNS = ("created_at", "unverified")


def unverified_texts(
    lake: Lake,
    stages: Sequence[AnyStage],
    first: date | None = None,
    last: date | None = None,
) -> int:
    """The texts written from the UTC day `first` to `last` that carry the mark."""
    count = 0
    for stage in stages:
        for partition in lake.partitions(stage.asset):
            # One at a time: tables stored by version 0.1.0 lack the column.
            for row in scan(lake, stage.asset, [partition], COLUMNS)[partition]:
                if not row.get("unverified"):
                    continue
                written = row["created_at"].date()
                count += (not first or first <= written) and (not last or written <= last)
    return count
