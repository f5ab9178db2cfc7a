"""Conversations with models, kept with the answers they led to."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    SerializerFunctionWrapHandler,
    WrapSerializer,
)

from papers_pipeline.base.characters import encodable
from papers_pipeline.base.faults import Fault
from papers_pipeline.store.purchases import Purchase

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelMessage


AttemptResult = Literal["answered", "refused", "unusable", "error", "closed"]


class Message(BaseModel):
    """One turn: sent by us (`system`, `user`, `correction`) or by the model (`reply`)."""

    model_config = ConfigDict(frozen=True)

    role: Literal["system", "user", "correction", "reply"]
    text: Annotated[str, BeforeValidator(encodable)]


def _read_fault(stored: Any) -> Any:
    """Earlier versions stored the message alone: a fault was fatal, and its rule had no name."""
    return Fault("", stored) if isinstance(stored, str) else stored


def _stored_fault(fault: Fault, serialize: SerializerFunctionWrapHandler) -> Any:
    return serialize(fault) if fault.rule else fault.message


KeptFault = Annotated[Fault, BeforeValidator(_read_fault), WrapSerializer(_stored_fault)]
"""A fault as stored. A stored entry of an earlier version keeps its form when it is rewritten."""


class KeptVerdict(BaseModel):
    """The guardrails' verdict on one reply, as stored."""

    model_config = ConfigDict(frozen=True)

    faults: tuple[KeptFault, ...] = ()
    warnings: tuple[str, ...] = ()


class Attempt(BaseModel):
    """One model asked about one paper, with a verdict for each reply that could be parsed.

    `detail` says why no answer came, or why an answer with faults was not corrected further.
    """

    model_config = ConfigDict(frozen=True)

    model: str
    result: AttemptResult
    detail: str | None = None
    messages: tuple[Message, ...] = ()
    verdicts: tuple[KeptVerdict, ...] = ()
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float | None = None


class Provenance(BaseModel):
    """How an answer or a final failure came about; the `provenance` of its purchase.

    A failure has no `provider` and `model`. `models` are the configured models of the chain
    at that time. `faults` are those that the published answer still has, and `repairs` what was
    mended in it without asking a model. `earlier` are the answers that this one replaced, oldest
    first.
    """

    model_config = ConfigDict(frozen=True)

    provider: str | None = None
    model: str | None = None
    models: tuple[str, ...] = ()
    arxiv_id: str
    prompt: str
    prompt_version: str
    input_tokens: int
    output_tokens: int
    usd: float | None
    attempts: tuple[Attempt, ...]
    faults: tuple[KeptFault, ...] = ()
    repairs: tuple[str, ...] = ()
    earlier: tuple[Purchase, ...] = ()

    @classmethod
    def of(cls, entry: Purchase) -> "Provenance":
        """The provenance of a purchase that a chain of models wrote."""
        return cls.model_validate(entry.provenance)

    def as_json(self) -> dict[str, Any]:
        """The stored form, without those fields that are often empty if they are."""
        often_empty = ("provider", "model", "faults", "repairs", "earlier")
        empty = {name for name in often_empty if not getattr(self, name)}
        return self.model_dump(mode="json", exclude=empty)


def is_valid(entry: Purchase, available: Sequence[str]) -> bool:
    """Whether an entry can be used: an answer always, a failure if it tried all these models."""
    if entry.value is not None:
        return True
    return set(available) <= set(Provenance.of(entry).models)


def conversation(system: str, messages: "Sequence[ModelMessage]") -> tuple[Message, ...]:
    """The turns of a run, starting with the system prompt."""
    from pydantic_ai.messages import (
        ModelResponse,
        RetryFeedbackPart,
        TextPart,
        ToolCallPart,
        ToolReturnPart,
        UserPromptPart,
    )

    turns = [Message(role="system", text=system)]
    for message in messages:
        if isinstance(message, ModelResponse):
            for part in message.parts:
                if isinstance(part, TextPart):
                    turns.append(Message(role="reply", text=part.content))
                elif isinstance(part, ToolCallPart):
                    turns.append(Message(role="reply", text=part.args_as_json_str()))
            continue
        for sent in message.parts:
            if isinstance(sent, UserPromptPart):
                turns.append(Message(role="user", text=str(sent.content)))
            elif isinstance(sent, RetryFeedbackPart):
                turns.append(Message(role="correction", text=sent.model_response()))
            elif isinstance(sent, ToolReturnPart) and sent.outcome == "retried":
                content = sent.content
                text = content if isinstance(content, str) else sent.model_response_str()
                turns.append(Message(role="correction", text=text))
    return tuple(turns)
