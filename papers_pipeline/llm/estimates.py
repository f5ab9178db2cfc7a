"""Tokens estimated from characters: of a request before it is sent, and of an answer whose provider
counts none."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from papers_pipeline.llm.conversation import conversation
from papers_pipeline.llm.prices import CallTokens

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelMessage, ModelResponse

CHARACTERS_A_TOKEN = 3.0
"""Fewer than the four of English: Russian and Chinese take more tokens."""


def estimated_tokens(characters: int) -> int:
    """The tokens of so many characters."""
    return round(characters / CHARACTERS_A_TOKEN)


def asked_tokens(messages: "Sequence[ModelMessage]") -> int:
    """The estimated tokens of a request: its instructions, and all turns of the conversation."""
    instructions = getattr(messages[-1], "instructions", None) or ""
    turns = conversation(instructions, messages)
    return estimated_tokens(sum(len(turn.text) for turn in turns))


def counted_tokens(
    response: "ModelResponse", messages: "Sequence[ModelMessage]"
) -> tuple[CallTokens, bool]:
    """The tokens of an answer to these messages, and whether some of them are estimated.

    No request is free of tokens, and no text is: a provider that says so has not counted.
    """
    counted = CallTokens.of(response.usage)
    output_tokens = estimated_tokens(sum(len(turn.text) for turn in conversation("", [response])))
    is_estimated = False
    if counted.input_tokens <= 0:
        counted = replace(counted, input_tokens=asked_tokens(messages))
        is_estimated = True
    if counted.output_tokens <= 0 < output_tokens:
        counted = replace(counted, output_tokens=output_tokens)
        is_estimated = True
    return counted, is_estimated
