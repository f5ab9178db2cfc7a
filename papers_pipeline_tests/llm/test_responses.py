"""A lone surrogate in an answer costs one character, not the answer."""

import json
from pathlib import Path
from typing import Any

import pytest

from papers_pipeline.sandbox.world import Fault
from papers_pipeline_tests.conftest import Outside
from papers_pipeline_tests.helpers.buying import Desk

FIELDS = {
    "title": "Kettles that warn \ud800early",
    "text": "A \ud800regressor hears whistling kettles and predicts when they boil. "
    "It listens to the first minute of sound. The warning used to come too late.",
    "emoji": "🫖",
}
USAGE = {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18}


def of_openai(**message: Any) -> dict[str, Any]:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant"} | message}
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "a-model",
        "usage": USAGE,
        "choices": [choice],
    }


def of_anthropic(text: str) -> dict[str, Any]:
    return {
        "id": "1",
        "type": "message",
        "role": "assistant",
        "model": "a-model",
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 9, "output_tokens": 9},
        "content": [{"type": "text", "text": text}],
    }


RAW = json.dumps(FIELDS, ensure_ascii=False)
ANSWERS = {"openai": of_openai(content=RAW), "anthropic": of_anthropic(RAW)}


@pytest.mark.parametrize("provider", ANSWERS)
def test_an_answer_with_a_lone_surrogate_is_used_without_it(
    outside: Outside, tmp_path: Path, provider: str
):
    desk = Desk(outside, tmp_path)
    desk.made(provider)
    headers = {"Content-Type": "application/json"}
    outside.world.faults.append(
        Fault(f"/{provider}/", body=json.dumps(ANSWERS[provider]), headers=headers)
    )
    row = desk.buy().row
    assert (row.state, row.title) == ("done", "Kettles that warn early")
    assert "\ud800" not in desk.attempts()[0]["messages"][2]["text"]
