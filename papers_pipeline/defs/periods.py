"""The pages of months and weeks: they name more than one day, so they belong to the site's runs."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date

import dagster as dg

from papers_pipeline.base.clock import Clock
from papers_pipeline.defs.partitions import MONTHLY, WEEKLY, day_of
from papers_pipeline.defs.tables import Table, table_asset
from papers_pipeline.records import DailyIssue, PeriodFile
from papers_pipeline.site.periods import Span, month_of, neighbours_of, period_of, week_of
from papers_pipeline.site.writer import Site, template_version
from papers_pipeline.store.lake import Lake

SpanOf = Callable[[date], Span]

# The days of a month: those to come are no partitions yet, and a weekend that nobody built has no table.
DAYS = dg.AssetIn(
    partition_mapping=dg.TimeWindowPartitionMapping(allow_nonexistent_upstream_partitions=True),
    metadata={"allow_missing_partitions": True},
)


def period_table(
    span: Span, issues: Mapping[str, Sequence[DailyIssue]], site: Site, lake: Lake, clock: Clock
) -> Table:
    """The pages of one month or week written; none when none of its days was ever built."""
    if not issues:
        return Table([], papers=0, metadata={"files": 0, "changed": 0})
    days = [rows[0] for rows in issues.values()]
    period = period_of(span, days, clock.today(), neighbours_of(lake, span))
    files, changed = site.write_period(period)
    return Table(
        files, papers=len(period.papers), metadata={"files": len(files), "changed": changed}
    )


def period_asset(
    name: str, partitions: dg.PartitionsDefinition[str], span_of: SpanOf, what: str
) -> dg.AssetsDefinition:
    """The asset of the months or of the weeks."""

    @table_asset(
        record=PeriodFile,
        name=name,
        partitions_def=partitions,
        ins={"daily_issue": DAYS},
        group_name="site",
        kinds={"html"},
        code_version=template_version(),
        description=f"The {what} page in every language: its papers once each, from the days that were built so far. "
        "Which others stand beside it is read from their issues.",
    )
    def pages(
        context: dg.AssetExecutionContext,
        daily_issue: dict[str, list[DailyIssue]],
        site: dg.ResourceParam[Site],
        lake: dg.ResourceParam[Lake],
        clock: dg.ResourceParam[Clock],
    ) -> Table:
        return period_table(span_of(day_of(context)), daily_issue, site, lake, clock)

    return pages


monthly_pages = period_asset("monthly_pages", MONTHLY, month_of, "month's")
weekly_pages = period_asset("weekly_pages", WEEKLY, week_of, "ISO week's, Monday to Sunday,")
