"""What publishing refuses to do, because too much would be lost."""

from collections.abc import Collection
from pathlib import Path

from papers_pipeline.site.publishing.errors import PublishError

LOST_MORE_THAN = 3
LOST_SHARE = 0.2
"""The pages, and the share of pages, that publishing removes without being told to."""


def require_apart(folder: Path, target: Path) -> None:
    """Raise PublishError if the target is inside the site or around it.

    A copy would grow into the site, and rsync would delete the data around it.
    """
    site = folder.resolve()
    if target.is_relative_to(site) or site.is_relative_to(target):
        raise PublishError(
            f"{target}: the site is at {site}: name a folder that is neither around nor below it"
        )


def require_no_shrink(target: str, old: Collection[str], removed: Collection[str]) -> None:
    """Raise PublishError if too many of a target's pages would be removed.

    `old` are the paths of the target's files before, `removed` those of them that go. A data folder
    that was lost gives a site with a few days, and publishing it would take the others from the
    readers.
    """
    pages = sum(path.endswith(".html") for path in old)
    lost = sum(path.endswith(".html") for path in removed)
    if lost > LOST_MORE_THAN and lost > LOST_SHARE * pages:
        raise PublishError(
            f"{target}: {lost:,} of its {pages:,} pages are not in the site any more, so nothing "
            "was published: is the data folder complete? If it is, publish with --allow-shrink"
        )
