"""Stored files that cannot be read. Everything that reads stored files shares these rules.

A damaged file is set aside beside itself as `*.damaged`, named once in the log, and counts as
absent from then on: the next build makes it again. A file in a newer format is refused, and nothing
replaces it.
"""

import logging

from upath import UPath

from papers_pipeline.base.errors import OperatorError
from papers_pipeline.store import files as storage

logger = logging.getLogger(__name__)

SUFFIX = ".damaged"


class Damaged(Exception):
    """The bytes of a stored file cannot be decoded. The message says why."""


class NewerFormat(OperatorError):
    """A newer release wrote the file. The message names the file and says what to do."""

    def __init__(self, path: UPath, what: str) -> None:
        super().__init__(
            f"{path}: {what} was written by a newer release, and this one neither reads nor "
            "replaces it: upgrade, or move the file away"
        )


def set_aside(path: UPath, data: bytes, why: str) -> None:
    """Rename the file at `path`, whose bytes `data` are damaged, and say so in the log.

    A file that another process has replaced meanwhile stays.
    """
    if storage.read(path) != data:
        return
    aside = path.with_name(path.name + SUFFIX)
    storage.move(path, aside)
    logger.warning(
        "%s is damaged (%s). It is set aside as %s, and the next build makes it again.",
        path,
        why,
        aside.name,
    )
