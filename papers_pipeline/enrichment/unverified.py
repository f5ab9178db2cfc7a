"""How many stored texts have something that their source does not."""

from collections.abc import Sequence
from datetime import date

from papers_pipeline.enrichment.row_checks import Verified
from papers_pipeline.enrichment.stage import AnyStage
from papers_pipeline.store.lake import Lake


def unverified_texts(
    lake: Lake,
    stages: Sequence[AnyStage],
    first: date | None = None,
    last: date | None = None,
) -> int:
    """The texts written from the UTC day `first` to `last` that carry the mark."""
    count = 0
    for stage in stages:
        if not any(isinstance(check, Verified) for check in stage.checks):
            continue
        for partition in lake.partitions(stage.asset):
            for written in _days_of_marked(lake, stage.asset, partition):
                count += (not first or first <= written) and (not last or written <= last)
    return count


def _days_of_marked(lake: Lake, asset: str, partition: str) -> list[date]:
    """The UTC day of each text with the mark.

    Filtered by Arrow, and one partition at a time: most have no such text, and tables stored by
    version 0.1.0 lack the column.
    """
    import pyarrow.compute as pc

    table = lake.columns(asset, partition, ("created_at", "unverified"))
    if table is None or "unverified" not in table.column_names:
        return []
    marked = table.filter(pc.greater(pc.list_value_length(table["unverified"]), 0))
    days: list[date] = pc.cast(marked["created_at"], "date32").to_pylist()
    return days
