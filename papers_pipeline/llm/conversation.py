"""What was said between us and a model, kept with the answer that came of it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelMessage


class Message(BaseModel):
    """One turn of a conversation: what was sent (``system``, ``user``, ``correction``) or came back (``reply``)."""

    model_config = ConfigDict(frozen=True)

    role: Literal["system", "user", "correction", "reply"]
    text: str


class Attempt(BaseModel):
    """One model asked about one paper, with the verdict on each of its replies that could be read."""

    model_config = ConfigDict(frozen=True)

    model: str
    result: Literal["answered", "refused", "unusable", "error", "closed"]
    detail: str | None = None
    messages: list[Message] = []
    verdicts: list[dict[str, list[str]]] = []
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float | None = None


def conversation(system: str, messages: "Sequence[ModelMessage]") -> list[Message]:
    """The turns of a run, the system prompt first."""
    from pydantic_ai.messages import (
        ModelResponse,
        RetryFeedbackPart,
        TextPart,
        ToolCallPart,
        ToolReturnPart,
        UserPromptPart,
    )

    said = [Message(role="system", text=system)]
    for message in messages:
        if isinstance(message, ModelResponse):
            for part in message.parts:
                if isinstance(part, TextPart):
                    said.append(Message(role="reply", text=part.content))
                elif isinstance(part, ToolCallPart):
                    said.append(Message(role="reply", text=part.args_as_json_str()))
            continue
        for sent in message.parts:
            if isinstance(sent, UserPromptPart):
                said.append(Message(role="user", text=str(sent.content)))
            elif isinstance(sent, RetryFeedbackPart):
                said.append(Message(role="correction", text=sent.model_response()))
            elif isinstance(sent, ToolReturnPart) and sent.outcome == "retried":
                told = sent.content if isinstance(sent.content, str) else sent.model_response_str()
                said.append(Message(role="correction", text=told))
    return said
