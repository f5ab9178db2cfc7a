"""The result files of batches: a character that a parser refuses must not cost every answer."""

import re
from typing import Any

import httpx2

_ESCAPE = re.compile(
    rb"(?P<whole>\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|(?P<lone>\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
    rb"|\\."
)
_LINE_ENDS = {mark.encode(): b"\\u%04x" % ord(mark) for mark in "\x85\u2028\u2029"}
"""What `str.splitlines` takes for the end of a line, and JSON may hold as it is."""


class ResultsClient(httpx2.AsyncClient):
    """An HTTP client for the SDKs that makes each body of JSON or JSON lines parsable.

    It replaces the client of the SDK with its thousand connections: batches need few.
    """

    async def send(self, request: httpx2.Request, **how: Any) -> httpx2.Response:
        response = await super().send(request, **how)
        body = await response.aread()
        headers = response.headers.copy()
        for name in ("Content-Encoding", "Content-Length", "Transfer-Encoding"):
            headers.pop(name, None)
        return httpx2.Response(
            response.status_code,
            headers=headers,
            content=parsable(body),
            request=response.request,  # the last one, if the server redirected
            history=response.history,
            extensions=response.extensions,
        )


def parsable(body: bytes) -> bytes:
    """JSON or JSON lines without lone surrogates, and with a line end only where a line ends.

    A server may write a lone surrogate as an escape, `\\ud800`; no parser of an SDK accepts it.
    """
    for mark, escape in _LINE_ENDS.items():
        body = body.replace(mark, escape)
    return _ESCAPE.sub(lambda found: b"" if found["lone"] else found[0], body)
