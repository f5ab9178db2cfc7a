"""Alarms as chat messages, in the JSON that Slack, Mattermost and others accept."""

import logging

import requests

from papers_pipeline.base.http import session

TIMEOUT_SECONDS = 20
logger = logging.getLogger(__name__)


def post(url: str, text: str) -> bool:
    """Send a message to an incoming webhook and return whether it was accepted.

    A failure is logged, never raised. The URL is a secret and stays out of every log line.
    """
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
