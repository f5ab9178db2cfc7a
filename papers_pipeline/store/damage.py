"""Stored files that cannot be read: `opened` decides for tables, purchases and batches alike.

A damaged file is set aside beside itself as `*.damaged`, named once in the log, and counts as
absent from then on: the next build makes it again. A file in a newer format is refused, and nothing
replaces it.
"""

import logging
from collections.abc import Callable
from typing import TypeVar

from upath import UPath

from papers_pipeline.base.errors import OperatorError
from papers_pipeline.store import files as storage

logger = logging.getLogger(__name__)

SUFFIX = ".damaged"
Content = TypeVar("Content")


class Damaged(Exception):
    """The bytes of a stored file cannot be decoded. The message says why."""


class Newer(Exception):
    """The bytes are in a format that this release does not know. The message names it."""


class NewerFormat(OperatorError):
    """A newer release wrote the file. The message names the file and says what to do."""

    def __init__(self, path: UPath, what: str) -> None:
        super().__init__(
            f"{path}: {what} was written by a newer release, and this one neither reads nor "
            "replaces it: upgrade, or move the file away"
        )


def opened(
    path: UPath,
    read: Callable[[bytes], Content],
    way_out: str = "the next build makes it again",
) -> Content | None:
    """What `read` makes of the bytes of a file; None if there is no file or it is damaged.

    `read` raises Damaged or Newer. The log says the `way_out`. Raises NewerFormat.
    """
    data = storage.read(path)
    if data is None:
        return None
    try:
        return read(data)
    except Damaged as error:
        set_aside(path, data, str(error), way_out)
        return None
    except Newer as error:
        raise NewerFormat(path, str(error)) from None


def set_aside(path: UPath, data: bytes, why: str, way_out: str) -> None:
    """Rename the file at `path`, whose bytes `data` are damaged, and say so in the log.

    A file that another process has replaced meanwhile stays.
    """
    if storage.read(path) != data:
        return
    aside = path.with_name(path.name + SUFFIX)
    storage.move(path, aside)
    logger.warning(
        "%s is damaged (%s). It is set aside as %s, and %s.", path, why, aside.name, way_out
    )
