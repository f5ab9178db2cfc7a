"""What providers send, made fit for storing and for sending back."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from papers_pipeline.base.characters import encodable

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelResponse, ModelResponsePart


def without_surrogates(response: "ModelResponse") -> "ModelResponse":
    """The response without lone surrogates: neither a file nor a request can hold them.

    In JSON they are escapes such as `\\ud800`, so that any model can write one.
    """
    response.parts = [_part(part) for part in response.parts]
    return response


def _part(part: "ModelResponsePart") -> "ModelResponsePart":
    from pydantic_ai.messages import TextPart, ToolCallPart

    if isinstance(part, TextPart):
        return replace(part, content=encodable(part.content))
    if isinstance(part, ToolCallPart):
        return replace(part, args=_value(part.args))
    return part


def _value(value: Any) -> Any:
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, dict):
        return {_value(name): _value(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_value(inner) for inner in value]
    return value
