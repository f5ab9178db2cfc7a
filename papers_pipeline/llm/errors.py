"""How a request to a model may fail, beside the errors of pydantic-ai."""

from papers_pipeline.base.characters import excerpt


class Closed(Exception):
    """The provider was closed earlier in this process."""


class NotReadable(Exception):
    """What came is no answer that the provider's SDK can read."""


class CutOff(Exception):
    """The answer reached the token limit."""


def is_free(error: Exception) -> bool:
    """Whether a request certainly costs nothing: it was not sent, or the provider turned it away.

    After a timeout, or if the answer broke off, the provider may have written it all.
    """
    from pydantic_ai.exceptions import ModelConnectionError, ModelHTTPError

    if isinstance(error, ModelConnectionError):
        return error.phase in ("pool", "connect")
    if isinstance(error, ModelHTTPError):
        return not error.in_stream and error.status_code not in (408, 504)
    return False


def one_line(error: Exception, most: int = 300) -> str:
    """What an SDK says went wrong, fit for a log."""
    return excerpt(str(error), most)


def named(error: Exception) -> str:
    """The same, with the error's type, which some messages need to be understood."""
    return f"{type(error).__name__}: {one_line(error)}"
