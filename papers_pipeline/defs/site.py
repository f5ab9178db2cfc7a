"""The pages of a day, the index of the site, and the search index."""

from collections.abc import Sequence

import dagster as dg

from papers_pipeline.defs.checks import day_check, files_present
from papers_pipeline.defs.partitions import day_of
from papers_pipeline.defs.tables import Table, day_asset, last_rows, table_asset
from papers_pipeline.records import DailyIssue, Paper, RelatedPapers, SearchedLanguage, SiteFile
from papers_pipeline.site.day_pages import write_day
from papers_pipeline.site.index import write_index_pages
from papers_pipeline.site.parts.paper_page import pages_of_day
from papers_pipeline.site.related import relations
from papers_pipeline.site.search import PAGEFIND, SearchError, write_index
from papers_pipeline.site.version import page_version
from papers_pipeline.site.writer import Site
from papers_pipeline.store.lake import Lake


@day_asset(
    record=RelatedPapers, group_name="site", kinds={"scikitlearn", "parquet"}, code_version="2"
)
def related_papers(
    context: dg.AssetExecutionContext, feed_listing: Sequence[Paper], lake: dg.ResourceParam[Lake]
) -> Table:
    """For each paper, up to five similar papers of the same day or of earlier days.

    Earlier papers come from this asset's own stored days. Later days change nothing.
    """
    before = last_rows(context, lake, RelatedPapers)
    return Table(relations(day_of(context), feed_listing, lake, before))


@day_asset(
    record=SiteFile,
    group_name="site",
    kinds={"html", "json"},
    code_version=page_version(),
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
    """The day's pages in every language, its JSON and words, and the pages of papers of its own.

    A paper of its own is one that no other day lists.

    Files whose bytes are the same are not written.
    """
    issue = daily_issue[0]
    papers = pages_of_day(issue, related_papers or (), lake)
    before = {file.path: file for file in last_rows(context, lake, SiteFile)}
    files, changed = write_day(site, issue, papers, before, related_papers or ())
    absent = [file.path for file in files if not site.has(file)]
    return Table(
        files,
        papers=len(issue.papers),
        metadata={"files": len(files), "changed": changed},
        checks=[files_present(files, absent)],
    )


@table_asset(
    record=SiteFile,
    group_name="site",
    kinds={"html"},
    code_version=page_version(),
    deps=["daily_issue"],
)
def site_index(
    context: dg.AssetExecutionContext, site: dg.ResourceParam[Site], lake: dg.ResourceParam[Lake]
) -> Table:
    """Every page that spans several days, except months and weeks. Only changed pages are made."""
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
    """Pagefind's index of all paper pages. Rebuilt only if a paper page changed."""
    before = last_rows(context, lake, SearchedLanguage)
    try:
        searched, changed = write_index(site.root, site.renderer.languages, before)
    except SearchError as error:
        # All pages are written by now: readers get them, with the last search index.
        context.log.warning(str(error))
        return Table(before, papers=0, metadata={"warning": str(error)})
    papers = sum(language.pages for language in searched)
    return Table(searched, papers=papers, metadata={"changed": changed})
