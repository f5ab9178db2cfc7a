"""Pages per second of the whole parse, compared with bare text extraction, its lower bound.

    python benchmarks/parse.py [FOLDER]

FOLDER contains PDFs, by default those of the sample papers. They are parsed in one process, then in
two. The bare extraction, `get_text("dict")` without images, has a process of its own. Parse and
extraction take turns because the speed of a shared machine changes by the minute.
"""

import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import pymupdf

from papers_pipeline.documents.pdf.parse import PdfError, parse_pdf
from papers_pipeline.sandbox.documents import Documents
from papers_pipeline.sandbox.world import SAMPLE

TURNS = 3
FIRST_DAY = datetime(2026, 3, 2, tzinfo=UTC)


def parsed(path: Path) -> int:
    """Parse a file and return its number of pages; 0 if it cannot be parsed."""
    try:
        return parse_pdf(path).pages
    except PdfError as error:
        print(f"{path.name}: {error.reason}", file=sys.stderr)
        return 0


def extracted(path: Path) -> int:
    """Extract the text of a file, discard it and return the number of pages."""
    with pymupdf.open(path) as document:
        for page in document:
            page.get_text("dict", flags=pymupdf.TEXTFLAGS_DICT & ~pymupdf.TEXT_PRESERVE_IMAGES)
        return document.page_count


def pages_per_second(work: Callable[[Path], int], paths: Sequence[Path]) -> float:
    started = time.perf_counter()
    pages = sum(map(work, paths))
    return pages / (time.perf_counter() - started)


def main(folder: Path) -> None:
    paths = sorted(folder.glob("*.pdf"))
    if not paths:
        raise SystemExit(f"There is no PDF in {folder}")
    spawn = get_context("spawn")
    with (
        ProcessPoolExecutor(1, mp_context=spawn) as parsing,
        ProcessPoolExecutor(1, mp_context=spawn) as bare,
    ):
        for pool in (parsing, bare):
            pool.submit(parsed, paths[0]).result()  # loads the libraries
        for _ in range(TURNS):
            parse_speed = parsing.submit(pages_per_second, parsed, paths).result()
            bare_speed = bare.submit(pages_per_second, extracted, paths).result()
            print(
                f"parse {parse_speed:6.1f} pages/s, bare dict {bare_speed:6.1f} pages/s: "
                f"{parse_speed / bare_speed:.2f}"
            )
    with ProcessPoolExecutor(2, mp_context=spawn) as pool:
        list(pool.map(parsed, [paths[0]] * 2))
        started = time.perf_counter()
        pages = sum(pool.map(parsed, paths))
        seconds = time.perf_counter() - started
        print(f"parse with 2 processes: {pages / seconds:.1f} pages/s")


def sample_pdfs(folder: Path) -> Path:
    """Write the PDFs of the sample papers into the folder and return it."""
    documents = Documents(SAMPLE, substitute=False)
    for source in (SAMPLE / "papers").glob("*.yaml"):
        pdf = documents.pdf(source.stem, FIRST_DAY)
        if pdf and pdf.startswith(b"%PDF-"):  # one is broken on purpose
            (folder / f"{source.stem}.pdf").write_bytes(pdf)
    return folder


if __name__ == "__main__":
    if sys.argv[1:]:
        main(Path(sys.argv[1]))
    else:
        with TemporaryDirectory() as temporary:
            main(sample_pdfs(Path(temporary)))
