"""Publishes the site over rsync."""

from collections.abc import Sequence
from pathlib import Path

from papers_pipeline.site.publishing.errors import TARGETS, PublishError
from papers_pipeline.site.publishing.precautions import require_apart, require_no_shrink
from papers_pipeline.site.publishing.programs import run


def to_rsync(folder: Path, files: Sequence[str], place: str, allow_shrink: bool) -> int:
    """Make a folder the site's mirror by rsync; returns how many files were sent or deleted.

    Everything else in the folder is deleted, except names with a dot in front. A home or root
    folder is therefore refused.
    """
    has_host = ":" in place.partition("/")[0]
    host, _, path = place.rpartition(":") if has_host else ("", "", place)
    if not path.strip("/.~") or path.startswith("//"):
        raise PublishError(
            f"rsync:{place}: names no folder that can be the site's alone: name {TARGETS}"
        )
    way_out = f"does `ssh {host}` work, and is rsync installed there?"
    if not host:
        local = Path(path).expanduser().resolve()
        require_apart(folder, local)
        local.mkdir(parents=True, exist_ok=True)
        place = str(local)
        way_out = "is the folder yours to write to?"
    command = ["rsync", "--recursive", "--delete-after", "--delay-updates", "--exclude=.*"]
    command += ["--chmod=D755,F644", "--timeout=300", "--out-format=%i %n"]
    paths = ["--", f"{folder}/", place]
    try:
        if not allow_shrink:
            listed = run([*command, "--dry-run", "--size-only", *paths], way_out)
            new, _, deleted = _changes(listed)
            require_no_shrink(f"rsync:{place}", {*files, *deleted} - {*new}, deleted)
        # Checksums, not times: a copy from a bucket or from a CI cache has new times every time.
        new, replaced, deleted = _changes(run([*command, "--checksum", *paths], way_out))
    except PublishError as error:
        raise PublishError(f"rsync:{place}: {error}") from None
    return len(new) + len(replaced) + len(deleted)


def _changes(output: str) -> tuple[list[str], list[str], list[str]]:
    """The files that rsync lists as new, as replaced, and as deleted."""
    new, replaced, deleted = [], [], []
    for line in output.splitlines():
        change, _, path = line.partition(" ")
        if change.startswith(("<f+", ">f+")):
            new.append(path)
        elif change.startswith(("<f", ">f")):
            replaced.append(path)
        elif change == "*deleting" and not path.endswith("/"):
            deleted.append(path.strip())
    return new, replaced, deleted
