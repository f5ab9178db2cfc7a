"""Copies of what cannot be had again, on another disk or in a bucket, and back.

The copy has the folders as they are, and `manifest.json` with the SHA-256 of every file. It keeps
files that the data folder no longer has.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from pydantic import BaseModel, ValidationError
from upath import UPath

from papers_pipeline.base.errors import OperatorError
from papers_pipeline.store import damage
from papers_pipeline.store import files as storage
from papers_pipeline.store.bucket import Entry

MANIFEST = "manifest.json"
LEFT_OUT = (".lock", damage.SUFFIX)
EARLIER_NAMES = {"purchases": "cache"}
"""Folders that had another name in copies of earlier releases. Their files are not copied again."""
SAVE_EVERY = 1000
"""Files between two writes of the manifest: a backup that is killed goes on from there."""


class BackupError(OperatorError):
    """A backup that cannot be read or written. The message names it and the way out."""


class Copied(BaseModel):
    """A file of the copy. Size in bytes and time of change are those of the file it was made of."""

    sha256: str
    size: int
    changed_at: float


class Manifest(BaseModel):
    """`manifest.json`, format 1: every file of the copy by its path, `<folder>/…`."""

    format: Literal[1] = 1
    files: dict[str, Copied] = {}


@dataclass(frozen=True)
class Transfer:
    """The result: files in all, files written, and paths of the copy that are damaged."""

    files: int
    written: int
    damaged: tuple[str, ...] = ()


def back_up(folders: Mapping[str, UPath], target: UPath) -> Transfer:
    """Copy what changed in the folders since the last time. Raises BackupError.

    Files are replaced as a whole by those who write them, so that a build may go on meanwhile.
    """
    manifest = _manifest(target)
    files = written = 0
    try:
        for path, file, entry in _files(folders):
            files += 1
            known = manifest.files.get(path) or manifest.files.get(_earlier_name(path))
            if known and (known.size, known.changed_at) == (entry.size, entry.changed_at):
                continue
            data = storage.read(file)
            if data is None:  # deleted just now
                continue
            written += storage.write(target / path, data)
            manifest.files[path] = Copied(
                sha256=storage.sha256_of(data), size=len(data), changed_at=entry.changed_at
            )
            if files % SAVE_EVERY == 0:
                _save(manifest, target)
        _save(manifest, target)
    except OSError as error:
        raise BackupError(
            f"{target}: {error.strerror or error}; files copied so far are complete: fix the cause "
            "and run the command again"
        ) from error
    return Transfer(files, written)


def restore(source: UPath, folders: Mapping[str, UPath]) -> Transfer:
    """Write the files of a copy that the folders lack. Those that are there stay as they are.

    A file whose bytes are not those that were copied is left out and named. Raises BackupError if
    the copy has no manifest.
    """
    manifest = _manifest(source)
    if not manifest.files:
        raise BackupError(f"{source}: there is no {MANIFEST}: name the target of `papers backup`")
    written = 0
    damaged = []
    there = {name: set(storage.listing(folder)) for name, folder in folders.items()}
    names_of_now = {earlier: now for now, earlier in EARLIER_NAMES.items()}
    # A file that changed since it was copied under an earlier name was copied again.
    for path in sorted(manifest.files, key=lambda path: path.partition("/")[0] in names_of_now):
        copied = manifest.files[path]
        folder, _, below = path.partition("/")
        folder = names_of_now.get(folder, folder)
        if folder not in folders or below in there[folder]:
            continue
        data = storage.read(source / path)
        if data is None or storage.sha256_of(data) != copied.sha256:
            damaged.append(path)
            continue
        written += storage.write(folders[folder] / below, data, durable=True)
        there[folder].add(below)
    return Transfer(len(manifest.files), written, tuple(damaged))


def _earlier_name(path: str) -> str:
    """The path of a file of the copy under the earlier name of its folder."""
    folder, _, below = path.partition("/")
    return f"{EARLIER_NAMES.get(folder, folder)}/{below}"


def _files(folders: Mapping[str, UPath]) -> Iterator[tuple[str, UPath, Entry]]:
    """The files of the folders by their path in the copy, without those being written."""
    for name, folder in folders.items():
        for below, entry in storage.listing(folder).items():
            path = PurePosixPath(below)
            if not path.name.startswith(".") and path.suffix not in LEFT_OUT:
                yield f"{name}/{below}", folder / below, entry


def _manifest(place: UPath) -> Manifest:
    data = storage.read(place / MANIFEST)
    if data is None:
        return Manifest()
    try:
        return Manifest.model_validate_json(data)
    except ValidationError as error:
        raise BackupError(
            f"{place / MANIFEST}: {error.errors()[0]['msg']}: name an empty folder for a new backup"
        ) from None


def _save(manifest: Manifest, place: UPath) -> None:
    storage.write(place / MANIFEST, manifest.model_dump_json().encode() + b"\n")
