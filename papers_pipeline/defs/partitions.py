"""The partitions that the assets share."""

from datetime import date

import dagster as dg

from papers_pipeline.listing.days import FIRST_DAY

# end_offset=1 makes today a partition: its list is fetched while it grows.
DAILY = dg.DailyPartitionsDefinition(start_date=FIRST_DAY.isoformat(), end_offset=1)
# The first list is from a Monday, the first of a month, so no month or week starts before it.
MONTHLY = dg.MonthlyPartitionsDefinition(start_date=FIRST_DAY.isoformat(), end_offset=1)
WEEKLY = dg.WeeklyPartitionsDefinition(start_date=FIRST_DAY.isoformat(), day_offset=1, end_offset=1)


def day_of(context: dg.AssetExecutionContext) -> date:
    """The day that the run builds; for a month or week, its first day."""
    return date.fromisoformat(context.partition_key)
