"""A request of an agent as one of a batch, and the answer of a batch as the reply to a request."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from pydantic_ai.models.batch import BatchRequest, BatchResult
from pydantic_ai.models.wrapper import WrapperModel

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelResponse
    from pydantic_ai.models import Model


async def first_request(
    key: str, model: "Model", run: Callable[["Model"], Awaitable[object]]
) -> BatchRequest:
    """The first request that `run` would send to the model. It is not sent."""
    try:
        await run(_Unsent(model))
    except _Caught as caught:
        return request_of(key, *caught.asked)
    raise AssertionError("the run sent nothing")


def request_of(key: str, *asked: Any) -> BatchRequest:
    """The arguments of a model's `request` as a request of a batch."""
    messages, settings, parameters = asked
    return BatchRequest(
        custom_id=key,
        messages=messages,
        model_settings=settings,
        model_request_parameters=parameters,
    )


def reply(model: "Model", body: str, *asked: Any) -> "ModelResponse":
    """A batch's answer as the model's reply to what was `asked`."""
    result = BatchResult(custom_id="", status="succeeded", body=body)
    return model.batch_decode(result, request_of("", *asked))


class _Caught(Exception):
    """A request that was made and is not sent."""

    def __init__(self, *asked: Any) -> None:
        super().__init__()
        self.asked = asked


class _Unsent(WrapperModel):
    """The model, which raises its first request instead of sending it."""

    async def request(self, *args: Any) -> "ModelResponse":
        raise _Caught(*args)
