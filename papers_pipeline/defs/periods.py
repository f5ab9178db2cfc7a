"""The pages of months and weeks. They span several days, so the site's runs write them."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from datetime import date

import dagster as dg
from dagster._utils.warnings import BetaWarning

from papers_pipeline.base.clock import Clock
from papers_pipeline.defs.partitions import MONTHLY, WEEKLY, day_of
from papers_pipeline.defs.tables import Table, last_rows, table_asset
from papers_pipeline.issue.export import exported
from papers_pipeline.records import DailyIssue, PeriodFile
from papers_pipeline.site.period_pages import write_period
from papers_pipeline.site.periods import Span, month_of, neighbours_of, period_of, week_of
from papers_pipeline.site.version import page_version
from papers_pipeline.site.writer import Site
from papers_pipeline.store.lake import Lake

SpanOf = Callable[[date], Span]


def days_of_period() -> dg.AssetIn:
    """The issues of a period's days: of those that are partitions already and were built."""
    with warnings.catch_warnings():
        # Drop this when `allow_nonexistent_upstream_partitions` leaves beta (Dagster 1.13.27).
        warnings.simplefilter("ignore", BetaWarning)
        mapping = dg.TimeWindowPartitionMapping(allow_nonexistent_upstream_partitions=True)
    return dg.AssetIn(partition_mapping=mapping, metadata={"allow_missing_partitions": True})


def period_table(
    span: Span,
    issues: Mapping[str, Sequence[DailyIssue]],
    before: Sequence[PeriodFile],
    site: Site,
    lake: Lake,
    clock: Clock,
) -> Table:
    """Write the files of one month or week; none if none of its days was built.

    `before` are the files of its last build.
    """
    if not issues:
        return Table([], papers=0, metadata={"files": 0, "changed": 0})
    days = [rows[0] for rows in issues.values()]
    period = period_of(span, days, clock.today(), neighbours_of(lake, span))
    data = exported(days) if span.kind == "month" else ()
    files, changed = write_period(site, period, {file.path: file for file in before}, data)
    return Table(
        files, papers=len(period.papers), metadata={"files": len(files), "changed": changed}
    )


def period_asset(
    name: str, partitions: dg.PartitionsDefinition[str], span_of: SpanOf, what: str
) -> dg.AssetsDefinition:
    """The asset of the months' or the weeks' pages."""

    @table_asset(
        record=PeriodFile,
        name=name,
        partitions_def=partitions,
        ins={"daily_issue": days_of_period()},
        group_name="site",
        kinds={"html"},
        code_version=page_version(),
        description=f"The {what} page in every language: every paper once, from the days built "
        "so far. Links to its neighbours depend on the issues of other days.",
    )
    def pages(
        context: dg.AssetExecutionContext,
        daily_issue: dict[str, list[DailyIssue]],
        site: dg.ResourceParam[Site],
        lake: dg.ResourceParam[Lake],
        clock: dg.ResourceParam[Clock],
    ) -> Table:
        before = last_rows(context, lake, PeriodFile)
        return period_table(span_of(day_of(context)), daily_issue, before, site, lake, clock)

    return pages


monthly_pages = period_asset("monthly_pages", MONTHLY, month_of, "month's")
weekly_pages = period_asset("weekly_pages", WEEKLY, week_of, "ISO week's, Monday to Sunday,")
