"""Recognizes a full disk in the errors of SQLite."""

from collections.abc import Iterator

NO_ROOM = ("SQLITE_FULL", "SQLITE_IOERR")
"""How SQLite names it: https://www.sqlite.org/rescode.html. The second may be a broken disk."""


def full_database(error: BaseException) -> str | None:
    """What SQLite says, if an error or one of its causes is that a database cannot grow.

    Dagster also opens its databases by engines of its own, whose errors no hook of ours sees.
    """
    for cause in _causes(error):
        if getattr(cause, "sqlite_errorname", "").startswith(NO_ROOM):
            return str(cause)
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
