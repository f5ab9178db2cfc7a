"""Pages per second of the whole parse beside the bare extraction that it cannot do without.

    python benchmarks/parse.py [FOLDER]

FOLDER holds PDFs; by default they are those of the sample papers. Each is parsed in one process, then in two; the bare
`get_text("dict")` without images gets a process of its own as well. Both are run in turns, because the speed of a
shared machine changes by the minute.
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
    """The number of pages of a file that is parsed, 0 when it cannot be."""
    try:
        return parse_pdf(path).pages
    except PdfError as error:
        print(f"{path.name}: {error.reason}", file=sys.stderr)
        return 0


def extracted(path: Path) -> int:
    """The number of pages of a file whose text is extracted and thrown away."""
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
        raise SystemExit(f"no PDF in {folder}")
    spawn = get_context("spawn")
    with (
        ProcessPoolExecutor(1, mp_context=spawn) as parsing,
        ProcessPoolExecutor(1, mp_context=spawn) as bare,
    ):
        for pool in (parsing, bare):
            pool.submit(parsed, paths[0]).result()
        turns = [
            (
                parsing.submit(pages_per_second, parsed, paths).result(),
                bare.submit(pages_per_second, extracted, paths).result(),
            )
            for _ in range(TURNS)
        ]
    for whole, extraction in turns:
        print(
            f"parse {whole:6.1f} pages/s, bare dict {extraction:6.1f} pages/s: {whole / extraction:.2f}"
        )
    with ProcessPoolExecutor(2, mp_context=spawn) as pool:
        list(pool.map(parsed, [paths[0]] * 2))
        started = time.perf_counter()
        pages = sum(pool.map(parsed, paths))
        print(f"parse with 2 processes: {pages / (time.perf_counter() - started):.1f} pages/s")


def sample_pdfs(folder: Path) -> Path:
    """The folder, with the PDFs of the sample papers in it."""
    made = Documents(SAMPLE, substitute=False)
    for source in (SAMPLE / "papers").glob("*.yaml"):
        pdf = made.pdf(source.stem, FIRST_DAY)
        if pdf and pdf.startswith(b"%PDF-"):  # one of them is broken on purpose
            (folder / f"{source.stem}.pdf").write_bytes(pdf)
    return folder


if __name__ == "__main__":
    if sys.argv[1:]:
        main(Path(sys.argv[1]))
    else:
        with TemporaryDirectory() as temporary:
            main(sample_pdfs(Path(temporary)))
