"""The whole parse of PDFs in one process, against bare text extraction from the same files."""

import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import pymupdf

from benchmarks.table import Row
from papers_pipeline.documents.pdf.parse import PdfError, parse_pdf

if TYPE_CHECKING:
    from benchmarks.bench import Bench

TURNS = 3


def extract(paths: Sequence[Path]) -> float:
    """The seconds to extract the text of files, as `get_text("dict")` does without images."""
    started = time.perf_counter()
    flags = pymupdf.TEXTFLAGS_DICT & ~pymupdf.TEXT_PRESERVE_IMAGES
    for path in paths:
        with pymupdf.open(path) as document:
            for page in document:
                page.get_text("dict", flags=flags)
    return time.perf_counter() - started


def parse(paths: Sequence[Path]) -> float:
    """The seconds to parse files; one that cannot be parsed is named on stderr."""
    started = time.perf_counter()
    for path in paths:
        try:
            parse_pdf(path)
        except PdfError as error:
            print(f"{path.name}: {error.reason}", file=sys.stderr)
    return time.perf_counter() - started


def parse_row(bench: "Bench") -> Row:
    """Parse and extraction take turns, as the speed of a shared machine changes by the minute."""
    paths = bench.day_world.pdfs
    pages = 0
    for path in paths:
        with pymupdf.open(path) as document:
            pages += document.page_count
    row = Row(f"parse, {len(paths)} PDFs", "bare get_text of the same files, in one process")
    spawn = get_context("spawn")
    with (
        ProcessPoolExecutor(1, mp_context=spawn) as parsing,
        ProcessPoolExecutor(1, mp_context=spawn) as bare,
    ):
        parsing.submit(parse, paths[:1]).result()  # loads the libraries
        bare.submit(extract, paths[:1]).result()
        for _ in range(bench.runs or TURNS):
            seconds = parsing.submit(parse, paths).result()
            row.add(seconds, bare.submit(extract, paths).result())
    row.facts["papers"] = len(paths)
    row.facts["pages"] = pages
    row.facts["pages a second"] = pages / min(row.seconds)
    return row
