"""The public files: a day's belong to the day's run, whatever names more than one day to the site's."""

from collections.abc import Sequence

import dagster as dg

from papers_pipeline.core.lake import Lake
from papers_pipeline.core.site import Site, template_version
from papers_pipeline.defs.checks import day_check, files_present
from papers_pipeline.defs.tables import Table, day_asset, table_asset
from papers_pipeline.records import DailyIssue, SiteFile


@day_asset(
    record=SiteFile,
    group_name="site",
    kinds={"html", "json"},
    code_version=template_version(),
    check_specs=[day_check("files_present", "daily_pages", "Every file of the day is there.")],
)
def daily_pages(daily_issue: Sequence[DailyIssue], site: dg.ResourceParam[Site]) -> Table:
    """The day's page in every language, and its JSON; a file whose bytes do not differ is left alone."""
    files, changed = site.write_day(daily_issue[0])
    absent = [file.path for file in files if not (site.root / file.path).exists()]
    return Table(
        files,
        papers=len(daily_issue[0].papers),
        metadata={"files": len(files), "changed": changed},
        checks=[files_present(files, absent)],
    )


@table_asset(record=SiteFile, group_name="site", kinds={"html"}, code_version=template_version(), deps=["daily_issue"])
def site_index(site: dg.ResourceParam[Site], lake: dg.ResourceParam[Lake]) -> Table:
    """The pages that lead a reader to the newest day with a paper."""
    newest = newest_issue(lake)
    files, changed = site.write_index(newest)
    papers = len(newest.papers) if newest else 0
    return Table(files, papers=papers, metadata={"files": len(files), "changed": changed})


def newest_issue(lake: Lake) -> DailyIssue | None:
    """The issue of the newest day that has a paper."""
    for partition in reversed(lake.partitions("daily_issue")):
        issues = lake.read("daily_issue", partition, DailyIssue)
        if issues and issues[0].papers:
            return issues[0]
    return None
