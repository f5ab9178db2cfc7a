"""Assets of the papers' documents: PDFs, their text, and the figures in arXiv's HTML."""

from collections.abc import Sequence

import dagster as dg

from papers_pipeline.base.per_paper import Progress
from papers_pipeline.defs.checks import coverage, day_check
from papers_pipeline.defs.tables import Table, day_asset, last_rows
from papers_pipeline.documents.fetch import PDF_VERSION, Documents
from papers_pipeline.documents.figures import FIGURES_VERSION
from papers_pipeline.documents.pdf.parse import PARSER_VERSION
from papers_pipeline.records import Paper, PaperFigures, PaperPdf, ParsedPaper
from papers_pipeline.store.lake import Lake


@day_asset(
    record=PaperPdf,
    group_name="documents",
    kinds={"pdf"},
    code_version=PDF_VERSION,
    check_specs=[day_check("pdfs_available", "paper_pdfs", "Four of five papers have a PDF.")],
)
async def paper_pdfs(
    context: dg.AssetExecutionContext,
    feed_listing: Sequence[Paper],
    documents: dg.ResourceParam[Documents],
    lake: dg.ResourceParam[Lake],
    progress: dg.ResourceParam[Progress],
) -> Table:
    """The PDF of each paper, downloaded from arXiv once and kept until some days after parsing."""
    earlier = last_rows(context, lake, PaperPdf)
    rows, counts = await documents.pdfs(feed_listing, earlier=earlier, progress=progress)
    return Table(rows, counts=counts, checks=[coverage("pdfs_available", rows)])


@day_asset(
    record=ParsedPaper,
    group_name="documents",
    kinds={"python", "parquet"},
    code_version=PARSER_VERSION,
    check_specs=[
        day_check(
            "texts_read", "parsed_text", "Four of five papers have text that could be parsed."
        )
    ],
)
async def parsed_text(
    context: dg.AssetExecutionContext,
    paper_pdfs: Sequence[PaperPdf],
    documents: dg.ResourceParam[Documents],
    lake: dg.ResourceParam[Lake],
    progress: dg.ResourceParam[Progress],
) -> Table:
    """The header and the first-level sections of each PDF."""
    earlier = last_rows(context, lake, ParsedPaper)
    rows, counts = await documents.parsed(paper_pdfs, earlier=earlier, progress=progress)
    return Table(rows, counts=counts, checks=[coverage("texts_read", rows)])


@day_asset(
    record=PaperFigures, group_name="documents", kinds={"html"}, code_version=FIGURES_VERSION
)
async def figures(
    context: dg.AssetExecutionContext,
    feed_listing: Sequence[Paper],
    documents: dg.ResourceParam[Documents],
    lake: dg.ResourceParam[Lake],
    progress: dg.ResourceParam[Progress],
) -> Table:
    """Figure links and captions from arXiv's HTML, which comes days late and not for all papers."""
    earlier = last_rows(context, lake, PaperFigures)
    rows, counts = await documents.figures(feed_listing, earlier=earlier, progress=progress)
    return Table(rows, counts=counts)
