"""One `requests` session a host policy: retries with back-off that honour Retry-After, a User-Agent with a contact."""

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from papers_pipeline import __version__

RETRIED = (429, 500, 502, 503, 504)
LONGEST_WAIT = 300
"""Seconds: a Retry-After beyond it is cut, and the next answer decides."""


def session(
    contact: str | None = None, *, backoff_seconds: float = 1.0, retries: int = 4
) -> requests.Session:
    """A session that repeats a GET after a broken connection or one of ``RETRIED``, waiting 1, 2, 4, 8 times
    ``backoff_seconds`` or as long as Retry-After says. The last answer is returned, whatever its status."""
    policy = Retry(
        total=retries,
        backoff_factor=backoff_seconds,
        status_forcelist=RETRIED,
        allowed_methods={"GET"},
        raise_on_status=False,
        respect_retry_after_header=True,
        retry_after_max=LONGEST_WAIT,
    )
    made = requests.Session()
    # The environment's proxies are honoured; a netrc password is not sent to hosts that never asked for one.
    made.auth = _no_auth
    for scheme in ("http://", "https://"):
        made.mount(scheme, HTTPAdapter(max_retries=policy))
    made.headers["User-Agent"] = f"papers_pipeline/{__version__}" + (
        f" ({contact})" if contact else ""
    )
    return made


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
