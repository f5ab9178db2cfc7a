"""Tells the operator what needs a look: by an incoming webhook, by e-mail, by any chat."""

import logging
from dataclasses import dataclass

import requests

from papers_pipeline.base.http import session
from papers_pipeline.base.notify import notify

TIMEOUT_SECONDS = 20
LONGEST_NOTIFY_SECONDS = 60.0
"""For all addresses together."""
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Alarm:
    """Where messages go. All of it is secret and stays out of every log line.

    - `webhook_url`: an incoming webhook, in the JSON that Slack, Mattermost and others accept.
    - `urls`: addresses of apprise, such as `mailtos://`: https://github.com/caronc/apprise/wiki.
    """

    webhook_url: str | None = None
    urls: tuple[str, ...] = ()

    @property
    def is_heard(self) -> bool:
        """Whether there is anywhere to send a message to."""
        return bool(self.webhook_url or self.urls)

    def tell(self, text: str) -> bool:
        """Send a message to all; returns whether all accepted it. Failures are logged only."""
        accepted = True
        if self.webhook_url:
            accepted &= _post(self.webhook_url, text)
        if self.urls:
            accepted &= _notify(self.urls, text)
        return accepted


def _post(url: str, text: str) -> bool:
    try:
        with (
            session(retries=0, longest_exchange=TIMEOUT_SECONDS) as http,
            http.post(url, json={"text": text}, timeout=TIMEOUT_SECONDS, stream=True) as answer,
        ):
            accepted = answer.ok and not answer.is_redirect
    except requests.RequestException as error:
        logger.warning("the webhook cannot be reached: %s", type(error).__name__)
        return False
    if not accepted:
        logger.warning("the webhook answered %s", answer.status_code)
    return accepted


def _notify(urls: tuple[str, ...], text: str) -> bool:
    notified = notify(urls, "papers_pipeline", text, LONGEST_NOTIFY_SECONDS)
    if notified.unknown:
        place = notified.unknown[0]
        logger.warning("address %d of PAPERS_ALARM_URLS is none that apprise knows", place)
    if not notified.accepted:
        logger.warning("an address of PAPERS_ALARM_URLS did not accept the message")
    return notified.accepted and not notified.unknown
