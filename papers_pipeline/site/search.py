"""The search over all papers: its page in each language, and the index that Pagefind makes from the paper pages.

Pagefind takes what stands in `data-pagefind-body`, but for `LEFT_OUT`, and knows the language by `<html lang>`
(https://pagefind.app/docs/).
"""

import json
import subprocess
from collections.abc import Iterator, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from pagefind_bin_extended import get_executable
from upath import UPath

from papers_pipeline.base.errors import OperatorError
from papers_pipeline.records import SearchedLanguage
from papers_pipeline.site.catalogue import Catalogue, digest
from papers_pipeline.site.page import Page
from papers_pipeline.site.render import Renderer
from papers_pipeline.store import files as storage

if TYPE_CHECKING:
    from papers_pipeline.site.issue_reader import Issues

PATH = "search.html"
FOLDER, ENTRY = "pagefind", "pagefind-entry.json"
PAGEFIND = version("pagefind-bin-extended")
PATIENCE_SECONDS = 1800
LEFT_OUT = (
    ".sr",
    ".note",
    "summary",
    "dt",
    ".shown h2",
    ".votes",
    ".links",
    ".languages-too",
    ".beside",
)
"""Of a paper's page, what is not the paper: labels, votes, links, other languages, related papers, how to cite it."""
_NOT_OURS = ("pagefind-ui", "pagefind-modular-ui", "pagefind-component-ui", "pagefind-highlight")
"""Pagefind's own interface, which no page loads."""


class SearchError(OperatorError):
    """There is no new index; the message says why and what is left."""


def search_pages(renderer: Renderer, catalogue: Catalogue, issues: "Issues") -> Iterator[Page]:
    """The page of the search in each language."""
    for language in renderer.languages:
        yield Page(
            f"{language}/{PATH}", digest(renderer.languages), partial(_page, renderer, language)
        )


def write_index(
    site: UPath, languages: Sequence[str], before: Sequence[SearchedLanguage]
) -> tuple[list[SearchedLanguage], int]:
    """Index the paper pages of the site into `pagefind/`, unless they are those of ``before``, the rows of the last
    time.

    Returns what each language has and how many files changed: files that differ are replaced, those that nothing leads
    to any more are removed. Raises SearchError for a site that is not on this machine, and when Pagefind cannot run.
    """
    if not storage.is_local(site):
        raise SearchError(
            f"search was not indexed: Pagefind reads a folder of this machine, and the site is at {site}"
        )
    folder = Path(site.path)
    searched = [it for language in languages if (it := _searched(folder, language)).pages]
    if searched == list(before) and (folder / FOLDER / ENTRY).exists() == bool(searched):
        return searched, 0
    with TemporaryDirectory(prefix="papers-search-") as name:
        made = [Path(name) / it.language for it in searched]
        for it, output in zip(searched, made, strict=True):
            _run_pagefind(folder, it.language, output)
        return searched, _replace(folder / FOLDER, made)


def _page(renderer: Renderer, language: str) -> bytes:
    return renderer.page("search.html.j2", language, PATH).encode()


def _searched(folder: Path, language: str) -> SearchedLanguage:
    """What there is to index: pages are told by name, size and time, since a page is written only when it differs."""
    pages = sorted((folder / language / "p").glob("*.html"))
    found = [(path.name, (stat := path.stat()).st_size, stat.st_mtime_ns) for path in pages]
    return SearchedLanguage(
        language=language, pages=len(pages), fingerprint=digest([PAGEFIND, LEFT_OUT, found])
    )


def _run_pagefind(folder: Path, language: str, output: Path) -> None:
    """One language a run: all of them at once take 3.5 GB of memory for 30,000 pages, the largest alone 2.1 GB."""
    options = [
        "--site",
        str(folder),
        "--glob",
        f"{language}/p/*.html",
        "--output-path",
        str(output),
        "--quiet",
    ]
    options += ["--exclude-selectors", ", ".join(LEFT_OUT)]
    try:
        done = subprocess.run(
            [get_executable(), *options],
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SearchError(f"search was not indexed, what was there stays: {error}") from error
    if done.returncode or not (output / ENTRY).exists():
        said = (done.stderr or done.stdout).strip().rpartition("\n")[2]
        raise SearchError(
            f"search was not indexed, what was there stays: pagefind ended with {done.returncode}: {said}"
        )


def _replace(bundle: Path, made: Sequence[Path]) -> int:
    """Make the bundle hold what was made for all languages, the entry last: it names the others by their hashes."""
    files = {
        path.relative_to(output).as_posix(): path
        for output in made
        for path in output.rglob("*")
        if path.is_file()
    }
    wanted = {
        name: path.read_bytes()
        for name, path in sorted(files.items())
        if not name.startswith(_NOT_OURS)
    }
    if entries := [json.loads((output / ENTRY).read_bytes()) for output in made]:
        languages = {key: entry for it in entries for key, entry in it["languages"].items()}
        del wanted[ENTRY]
        wanted[ENTRY] = json.dumps(
            entries[0] | {"languages": languages}, sort_keys=True, ensure_ascii=False
        ).encode()
    changed = sum(storage.write(UPath(bundle / name), data) for name, data in wanted.items())
    there = [path for path in bundle.rglob("*") if path.is_file()]
    stale = [path for path in there if path.relative_to(bundle).as_posix() not in wanted]
    for path in stale:
        path.unlink()
    return changed + len(stale)
