"""Reads everything that is stored, compares it, and names what is wrong and what mends it."""

from collections.abc import Iterator

from papers_pipeline.cli.verification.finding import Finding, Remark
from papers_pipeline.cli.verification.pages import known_pages, pages
from papers_pipeline.cli.verification.purchases import PurchaseReader
from papers_pipeline.cli.verification.spendings import spendings
from papers_pipeline.cli.verification.stored import Stored
from papers_pipeline.cli.verification.strays import strays
from papers_pipeline.cli.verification.tables import tables


def verify(stored: Stored) -> Iterator[Finding | Remark]:
    """The findings about tables and their purchases, other purchases, the ledger, pages, and files
    that nobody owns, in this order.

    Damaged files are set aside, as by every reader. The ledger is compared only if all is read.
    """
    reader = PurchaseReader(stored)
    yield from tables(stored, reader)
    yield from reader.others()
    if stored.is_whole:
        yield from spendings(stored, reader)
    known = known_pages(stored)
    yield from pages(stored, known)
    yield from strays(stored, known)
