"""The public files: a day's belong to the day's run, whatever names more than one day to the site's."""

from collections.abc import Sequence

import dagster as dg

from papers_pipeline.defs.checks import day_check, files_present
from papers_pipeline.defs.partitions import day_of
from papers_pipeline.defs.tables import Table, day_asset, last_rows, table_asset
from papers_pipeline.records import DailyIssue, Paper, RelatedPapers, SearchedLanguage, SiteFile
from papers_pipeline.site.index import write_index_pages
from papers_pipeline.site.parts.paper_page import pages_of_day
from papers_pipeline.site.related import relations
from papers_pipeline.site.search import PAGEFIND, SearchError, write_index
from papers_pipeline.site.writer import Site, template_version
from papers_pipeline.store.lake import Lake


@day_asset(
    record=RelatedPapers, group_name="site", kinds={"scikitlearn", "parquet"}, code_version="1"
)
def related_papers(
    context: dg.AssetExecutionContext, feed_listing: Sequence[Paper], lake: dg.ResourceParam[Lake]
) -> Table:
    """Up to five papers of the same day or earlier ones that each paper's words are most like.

    The earlier ones are read from this asset's own stored days; later days change nothing here.
    """
    return Table(relations(day_of(context), feed_listing, lake))


@day_asset(
    record=SiteFile,
    group_name="site",
    kinds={"html", "json"},
    code_version=template_version(),
    ins={"related_papers": dg.AssetIn(metadata={"allow_missing_partitions": True})},
    check_specs=[day_check("files_present", "daily_pages", "Every file of the day is there.")],
)
def daily_pages(
    context: dg.AssetExecutionContext,
    daily_issue: Sequence[DailyIssue],
    related_papers: Sequence[RelatedPapers] | None,
    site: dg.ResourceParam[Site],
    lake: dg.ResourceParam[Lake],
) -> Table:
    """The day's page in every language, its JSON, and the page and card of each paper that no other day lists; a file
    whose bytes do not differ is left alone."""
    papers = pages_of_day(daily_issue[0], related_papers or (), lake)
    before = {file.path: file for file in last_rows(context, lake, SiteFile)}
    files, changed = site.write_day(daily_issue[0], papers, before)
    absent = [file.path for file in files if not (site.root / file.path).exists()]
    return Table(
        files,
        papers=len(daily_issue[0].papers),
        metadata={"files": len(files), "changed": changed},
        checks=[files_present(files, absent)],
    )


@table_asset(
    record=SiteFile,
    group_name="site",
    kinds={"html"},
    code_version=template_version(),
    deps=["daily_issue"],
)
def site_index(
    context: dg.AssetExecutionContext, site: dg.ResourceParam[Site], lake: dg.ResourceParam[Lake]
) -> Table:
    """What names more than one day, but for months and weeks: only what has changed since the last time is made."""
    before = {file.path: file for file in last_rows(context, lake, SiteFile)}
    catalogue, files, changed = write_index_pages(site, lake, before)
    return Table(
        files, papers=len(catalogue.cards), metadata={"files": len(files), "changed": changed}
    )


@table_asset(
    record=SearchedLanguage,
    group_name="site",
    kinds={"pagefind"},
    code_version=PAGEFIND,
    deps=["daily_pages", "site_index"],
)
def search_index(
    context: dg.AssetExecutionContext, site: dg.ResourceParam[Site], lake: dg.ResourceParam[Lake]
) -> Table:
    """The index of the search over all paper pages, by Pagefind; made again only when a paper page changed."""
    before = last_rows(context, lake, SearchedLanguage)
    try:
        searched, changed = write_index(site.root, site.renderer.languages, before)
    except SearchError as error:
        # Every page is there by now: readers get them, with the search of the last time.
        context.log.warning(str(error))
        return Table(before, papers=0, metadata={"warning": str(error)})
    return Table(searched, papers=sum(it.pages for it in searched), metadata={"changed": changed})
