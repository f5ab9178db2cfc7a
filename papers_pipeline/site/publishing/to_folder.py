"""Publishes the site to a folder of this machine."""

import hashlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import BaseModel, ValidationError, field_validator
from upath import UPath

from papers_pipeline.site.publishing.errors import PublishError
from papers_pipeline.site.publishing.precautions import require_apart, require_no_shrink
from papers_pipeline.store import files as storage

MANIFEST = ".papers-published.json"
DAY_AND_PAPER = ("d", "p")
COLLECTIONS = ("t", "i", "a")
ENTRANCES = (
    "index.html",
    "404.html",
    "feed.xml",
    "feed.json",
    "sitemap.xml",
    "robots.txt",
    "pagefind-entry.json",
)


class _Manifest(BaseModel):
    """`.papers-published.json`, format 1: the SHA-256 of every file that we wrote into a folder."""

    format: Literal[1] = 1
    files: dict[str, str] = {}

    @field_validator("files")
    @classmethod
    def _stay_below(cls, files: dict[str, str]) -> dict[str, str]:
        for path in map(PurePosixPath, files):
            if path.is_absolute() or ".." in path.parts:
                raise ValueError(f"{path} lies outside the folder")
        return files


def to_folder(folder: Path, files: Sequence[str], place: str, allow_shrink: bool) -> int:
    """Write files that differ, then delete those that the site no longer has; returns their number.

    Deletes only files that we wrote and nobody changed since. The manifest is right after an error
    or Ctrl+C too. After a kill it can lack files, which then stay for good.
    """
    target = Path(place).expanduser().resolve()
    require_apart(folder, target)
    manifest = UPath(target / MANIFEST)
    ours = _read_manifest(manifest)
    if not allow_shrink:
        require_no_shrink(place, ours, ours.keys() - set(files))

    def new_files_first(path: str) -> tuple[int, bool, str]:
        return _rank(path), (target / path).exists(), path

    changed = 0
    try:
        for path in sorted(files, key=new_files_first):
            data = (folder / path).read_bytes()
            if storage.write(UPath(target / path), data):
                ours[path] = hashlib.sha256(data).hexdigest()
                changed += 1
        for path in sorted(ours.keys() - set(files), key=_rank, reverse=True):
            changed += _remove(target, path, ours[path])
            del ours[path]
    finally:
        if target.is_dir():
            written = _Manifest(files=dict(sorted(ours.items())))
            storage.write(manifest, written.model_dump_json(indent=1).encode() + b"\n")
    return changed


def _rank(path: str) -> int:
    """When a file is written: a page comes after the files that it loads and links to.

    Order: static files, pages of days and papers, pages that link to several of these, entrances.
    """
    folder, name = PurePosixPath(path).parent.name, PurePosixPath(path).name
    if name in ENTRANCES:
        return 3
    if folder in COLLECTIONS:
        return 2
    if not name.endswith((".html", ".xml")):
        return 0
    return 1 if folder in DAY_AND_PAPER else 2


def _read_manifest(manifest: UPath) -> dict[str, str]:
    data = storage.read(manifest)
    if data is None:
        return {}
    try:
        return _Manifest.model_validate_json(data).files
    except ValidationError as error:
        raise PublishError(
            f"{manifest}: {error.errors()[0]['msg']}; it lists the files that are ours: repair it, "
            "or delete it and also, by hand, the files that the site no longer has"
        ) from None


def _remove(target: Path, path: str, sha256: str) -> bool:
    """Delete a file of ours and folders left empty; returns False if it is no longer ours."""
    file = target / path
    if not file.is_file() or storage.sha256(UPath(file)) != sha256:
        return False
    file.unlink()
    for parent in PurePosixPath(path).parents[:-1]:
        try:
            (target / parent).rmdir()
        except OSError:  # not empty, so its parents are not either
            break
    return True
