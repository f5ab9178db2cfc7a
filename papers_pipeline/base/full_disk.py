"""Recognizes a full disk, whoever stumbles over it first."""

import errno
from collections.abc import Iterator

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""The errors of a full disk, of a quota, and of a limit on the size of files."""
NO_ROOM_IN_SQLITE = ("SQLITE_FULL", "SQLITE_IOERR")
"""How SQLite names them: https://www.sqlite.org/rescode.html. The second may be a broken disk."""


def full_disk(error: BaseException) -> str | None:
    """What the system says of the disk, if an error or one of its causes is that it is full."""
    for cause in _causes(error):
        if isinstance(cause, OSError) and cause.errno in NO_ROOM:
            return str(cause)
        if getattr(cause, "sqlite_errorname", "").startswith(NO_ROOM_IN_SQLITE):
            return f"Dagster's database: {cause}"
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
