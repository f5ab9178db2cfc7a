"""Publish the built site to a folder, to another machine by rsync, or to a git remote's gh-pages.

Names that begin with a dot are not part of a site: they are neither sent nor deleted.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from upath import UPath

from papers_pipeline.site.publishing.errors import TARGETS, PublishError, without_secrets
from papers_pipeline.site.publishing.to_branch import to_branch
from papers_pipeline.site.publishing.to_folder import to_folder
from papers_pipeline.site.publishing.to_rsync import to_rsync
from papers_pipeline.store import files as storage


@dataclass(frozen=True)
class Published:
    """The result: files of the site, files sent or deleted, and the target without secrets."""

    files: int
    changed: int
    target: str

    def __str__(self) -> str:
        return f"{self.target}: {self.files:,} files, {self.changed:,} changed"


def publish(site: UPath, target: str, *, allow_shrink: bool = False) -> Published:
    """Make `target` show the site, which is local or on a bucket. Files that are equal stay.

    Raises PublishError for an unknown form of target, a site that was never built, one that lacks
    more than a fifth of the target's pages unless `allow_shrink`, and any failure on the way.
    """
    send, place = _sender_and_place(target)
    with _readable(site) as folder:
        files = _files(folder)
        if "index.html" not in files:
            raise PublishError(
                f"no site at {site}: build a day first, `papers build --date latest`"
            )
        try:
            changed = send(folder, files, place, allow_shrink)
        except OSError as error:
            raise PublishError(
                f"{without_secrets(target)}: {error.strerror or error} ({error.filename}); files "
                "written so far are complete: fix the cause and publish again"
            ) from error
    return Published(len(files), changed, without_secrets(target))


Sender = Callable[[Path, Sequence[str], str, bool], int]
"""Sends files below a folder to a place that may shrink or not; returns how many changed there."""


def _sender_and_place(target: str) -> tuple[Sender, str]:
    """The sender for a target, and the target without its kind.

    A folder whose name has a colon can be given with `./` in front.
    """
    kind, colon, place = target.partition(":")
    sender: Sender
    if not colon or "/" in kind:
        sender, place = to_folder, target
    elif kind == "rsync":
        sender = to_rsync
    elif kind == "gh-pages":
        sender = to_branch
    else:
        raise PublishError(
            f"{without_secrets(target)}: no kind of target is named {kind}: name {TARGETS}"
        )
    if not place:
        raise PublishError(f"{target!r} names no place: name {TARGETS}")
    return sender, place


@contextmanager
def _readable(site: UPath) -> Iterator[Path]:
    """The site as a local folder: itself, or a copy of a bucket."""
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(storage.local_copy(site))
        except OSError as error:
            raise PublishError(
                f"{site} cannot be read: {error}; is PAPERS_DATA_DIR right?"
            ) from error
        yield folder


def _files(folder: Path) -> list[str]:
    """Paths of the site's files below its folder. Dot files are still being written."""
    found = []
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and "/." not in f"/{name}":
            found.append(name)
    return sorted(found)
