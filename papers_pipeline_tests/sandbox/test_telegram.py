"""The sandbox's Telegram refuses what Telegram refuses."""

from collections.abc import Iterator

import pytest
import requests

from papers_pipeline.sandbox.server import running
from papers_pipeline.sandbox.world import World


@pytest.fixture
def telegram() -> Iterator[str]:
    with running(World()) as url:
        yield url


def call(url: str, method: str, token: str = "1:a", **values: object) -> tuple[int, str]:
    values = {"chat_id": "@chat", "parse_mode": "HTML"} | values
    answer = requests.post(f"{url}/bot{token}/{method}", json=values, timeout=10)
    return answer.status_code, answer.json().get("description", "")


@pytest.mark.parametrize(
    ("text", "description"),
    [
        ("<h1>big</h1>", 'can\'t parse entities: unsupported start tag "h1"'),
        ("<b>open", "can't parse entities: can't find end tag of b"),
        ("<b><i>crossed</b></i>", 'can\'t parse entities: unexpected end tag "b"'),
        ("<b> </b>", "message text is empty"),
        ("&lt;" * 4097, "message is too long"),
    ],
)
def test_it_refuses_a_text(telegram: str, text: str, description: str):
    assert call(telegram, "sendMessage", text=text) == (400, f"Bad Request: {description}")


def test_a_text_of_the_greatest_length_is_accepted(telegram: str):
    assert call(telegram, "sendMessage", text=f"<b>{'&lt;' * 4096}</b>") == (200, "")


def test_it_refuses_edits_that_change_nothing_and_posts_that_are_gone(telegram: str):
    call(telegram, "sendMessage", text="one")
    same = call(telegram, "editMessageText", text="one", message_id=1)
    assert same == (400, "Bad Request: message is not modified")
    assert call(telegram, "editMessageText", text="two", message_id=1) == (200, "")
    assert call(telegram, "deleteMessage", message_id=1) == (200, "")
    gone = call(telegram, "editMessageText", text="three", message_id=1)
    assert gone == (400, "Bad Request: message to edit not found")


def test_it_refuses_a_token_and_a_method_that_it_does_not_know(telegram: str):
    assert call(telegram, "sendMessage", token="none", text="one") == (401, "Unauthorized")
    assert call(telegram, "sendPhoto") == (404, "Not Found")
