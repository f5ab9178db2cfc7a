"""The partitions that the assets share."""

from datetime import date

import dagster as dg

from papers_pipeline.core.days import FIRST_DAY

# end_offset=1 makes today a partition: its list is asked for while it grows.
DAILY = dg.DailyPartitionsDefinition(start_date=FIRST_DAY.isoformat(), end_offset=1)


def day_of(context: dg.AssetExecutionContext) -> date:
    """The day that the run builds."""
    return date.fromisoformat(context.partition_key)
