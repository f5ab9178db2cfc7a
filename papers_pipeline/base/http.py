"""`requests` sessions that retry with back-off, honour Retry-After and name a contact."""

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from papers_pipeline import __version__

RETRIED = (429, 500, 502, 503, 504)
LONGEST_WAIT = 300
"""Seconds. A longer Retry-After is cut to this, and the next response decides."""


def session(
    contact: str | None = None, *, backoff_seconds: float = 1.0, retries: int = 4
) -> requests.Session:
    """A session that repeats GET requests after a broken connection or a status in `RETRIED`.

    It waits 1, 2, 4, 8 times `backoff_seconds`, or as long as Retry-After says. After the last
    retry it returns the response, whatever its status.
    """
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
    # Proxies from the environment apply. A netrc password must not go to hosts that never asked.
    made.auth = _no_auth
    for scheme in ("http://", "https://"):
        made.mount(scheme, HTTPAdapter(max_retries=policy))
    user_agent = f"papers_pipeline/{__version__}"
    made.headers["User-Agent"] = f"{user_agent} ({contact})" if contact else user_agent
    return made


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def cause(error: requests.RequestException) -> str:
    """Why a request failed: the innermost reason that urllib3 gives, without its wrappers."""
    reason = error.args[0] if error.args else error
    return str(getattr(reason, "reason", reason))
