"""Alarms as chat messages, in the JSON that Slack, Mattermost and others accept."""

import logging
from collections.abc import Callable

import requests

TIMEOUT_SECONDS = 20
logger = logging.getLogger(__name__)


def post(url: str, text: str, send: Callable[..., requests.Response] = requests.post) -> bool:
    """Send a message to an incoming webhook and return whether it was accepted.

    A failure is logged, never raised. The URL is a secret and stays out of every log line.
    """
    try:
        answer = send(url, json={"text": text}, timeout=TIMEOUT_SECONDS)
    except requests.RequestException as error:
        logger.warning("the webhook cannot be reached: %s", type(error).__name__)
        return False
    if not answer.ok:
        logger.warning("the webhook answered %s", answer.status_code)
    return answer.ok
