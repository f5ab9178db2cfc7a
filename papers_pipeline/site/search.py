"""The search index, which Pagefind makes from the paper pages.

Pagefind reads what is in `data-pagefind-body`, except `LEFT_OUT`, and takes the language from
`<html lang>` (https://pagefind.app/docs/).
"""

import json
import subprocess
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

from pagefind_bin_extended import get_executable
from upath import UPath

from papers_pipeline.base.errors import OperatorError
from papers_pipeline.records import SearchedLanguage
from papers_pipeline.site.catalogue import digest
from papers_pipeline.store import files as storage

FOLDER = "pagefind"
ENTRY = "pagefind-entry.json"
PAGEFIND = version("pagefind-bin-extended")
TIMEOUT_SECONDS = 1800
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
"""Elements of a paper page that are not searched: labels, votes, links, other languages, related
papers, and the citation."""
_PAGEFIND_UI = ("pagefind-ui", "pagefind-modular-ui", "pagefind-component-ui", "pagefind-highlight")
"""Pagefind's own interface, which no page loads."""


class SearchError(OperatorError):
    """The index was not updated; the message says why, and whether the last index stays."""


def write_index(
    site: UPath, languages: Sequence[str], before: Sequence[SearchedLanguage]
) -> tuple[list[SearchedLanguage], int]:
    """Index the paper pages into `pagefind/`, unless they are the same as in `before`.

    `before` holds the rows of the last build. Returns a row per language with pages, and how many
    files changed. Deletes files that nothing refers to any more. A site on a bucket is indexed from
    a local copy. Raises SearchError if Pagefind fails.
    """
    found = [_paper_pages(site, language) for language in languages]
    searched = [row for row in found if row.pages]
    has_index = storage.exists(site / FOLDER / ENTRY)
    if searched == list(before) and has_index == bool(searched):
        return searched, 0
    if not searched:
        return searched, _replace(site / FOLDER, [])
    with (
        storage.local_copy(site) as folder,
        TemporaryDirectory(prefix="papers-search-") as scratch,
    ):
        outputs = []
        for row in searched:
            output = Path(scratch) / row.language
            _run_pagefind(folder, row.language, output)
            outputs.append(output)
        return searched, _replace(site / FOLDER, outputs)


def _paper_pages(site: UPath, language: str) -> SearchedLanguage:
    """The paper pages of a language, compared by name and stamp.

    That suffices: a page is written only if its bytes differ.
    """
    found = []
    for name, entry in storage.listing(site / language / "p").items():
        if name.endswith(".html") and "/" not in name:
            found.append((name, entry.stamp))
    fingerprint = digest([PAGEFIND, LEFT_OUT, found])
    return SearchedLanguage(language=language, pages=len(found), fingerprint=fingerprint)


def _run_pagefind(folder: Path, language: str, output: Path) -> None:
    """Index one language.

    All at once take 3.5 GB of memory for 30,000 pages, the largest language alone 2.1 GB.
    """
    command = [get_executable(), "--quiet"]
    command += ["--site", str(folder), "--glob", f"{language}/p/*.html"]
    command += ["--output-path", str(output), "--exclude-selectors", ", ".join(LEFT_OUT)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SearchError(f"search was not indexed, the last index stays: {error}") from error
    if done.returncode or not (output / ENTRY).exists():
        last_line = (done.stderr or done.stdout).strip().rpartition("\n")[2]
        raise SearchError(
            "search was not indexed, the last index stays: pagefind ended with "
            f"{done.returncode}: {last_line}"
        )


def _replace(index: UPath, outputs: Sequence[Path]) -> int:
    """Make `index` hold the outputs of all languages; returns how many files changed.

    The entry is written last: it refers to the other files by their hashes.
    """
    wanted = _index_files(outputs)
    changed = 0
    for name, data in wanted.items():
        changed += storage.write(index / name, data)
    for name in storage.listing(index):
        if name not in wanted:
            storage.delete(index / name)
            changed += 1
    return changed


def _index_files(outputs: Sequence[Path]) -> Mapping[str, bytes]:
    """The files of all languages by path, with one common entry at the end."""
    found: dict[str, bytes] = {}
    entries = []
    for output in outputs:
        for path in output.rglob("*"):
            name = path.relative_to(output).as_posix()
            if name == ENTRY:
                entries.append(json.loads(path.read_bytes()))
            elif path.is_file() and not name.startswith(_PAGEFIND_UI):
                found[name] = path.read_bytes()
    files = dict(sorted(found.items()))
    if entries:
        languages: dict[str, object] = {}
        for entry in entries:
            languages |= entry["languages"]
        merged = entries[0] | {"languages": languages}
        files[ENTRY] = json.dumps(merged, sort_keys=True, ensure_ascii=False).encode()
    return files
