"""What goes wrong, told to a chat: one JSON object that Slack, Mattermost and others take."""

import logging
from collections.abc import Callable

import requests

TIMEOUT_SECONDS = 20
logger = logging.getLogger(__name__)


def post(url: str, text: str, send: Callable[..., requests.Response] = requests.post) -> bool:
    """Send a message to an incoming webhook; returns whether it was taken. An alarm that cannot be sent is logged and
    never fails what it tells of, and the URL, which is a secret, is in no message."""
    try:
        answer = send(url, json={"text": text}, timeout=TIMEOUT_SECONDS)
    except requests.RequestException as error:
        logger.warning("the webhook cannot be reached: %s", type(error).__name__)
        return False
    if not answer.ok:
        logger.warning("the webhook answered %s", answer.status_code)
    return answer.ok
