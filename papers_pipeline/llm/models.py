"""The providers of one process, and what their questions share."""

import asyncio
import logging
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from upath import UPath

from papers_pipeline.base.clock import Clock
from papers_pipeline.base.errors import OperatorError
from papers_pipeline.coordination.interface import Coordination
from papers_pipeline.llm.batch_store import BatchStore
from papers_pipeline.llm.batches import Batches
from papers_pipeline.llm.errors import is_free, one_line
from papers_pipeline.llm.estimates import asked_tokens, counted_tokens
from papers_pipeline.llm.prices import CallTokens, price
from papers_pipeline.llm.providers import Access, connect, list_models
from papers_pipeline.llm.turns import Turns
from papers_pipeline.prompts.model_names import split_name
from papers_pipeline.prompts.prompt import Prompt
from papers_pipeline.store.ledger import CallState, Spending
from papers_pipeline.store.limits import Rate
from papers_pipeline.store.purchases import Purchases

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelMessage, ModelResponse

logger = logging.getLogger(__name__)

WINDOW_SECONDS = 61.0
"""A minute and a second: a request reaches the provider a little after the limit allowed it."""


class UnknownPrice(OperatorError):
    """There is a budget and a model without a known price; the message says what to set."""


class Models:
    """The providers of one process, and the purchases, ledger and limits that they share.

    `closed` has the providers and models that are not asked any more, each with the reason.
    `requests_per_minute` limits all providers together, `rates` limits each. They live on one event
    loop.
    """

    def __init__(
        self,
        access: Mapping[str, Access],
        *,
        data: UPath,
        coordination: Coordination,
        purchases: Purchases,
        clock: Clock,
        concurrency: int,
        rates: Mapping[str, Rate] | None = None,
        requests_per_minute: int | None = None,
        daily_budget_usd: float | None = None,
        assumed_price: float | None = None,
        timeout_seconds: float = 120.0,
        backoff_seconds: float = 1.0,
        window_seconds: float = WINDOW_SECONDS,
    ) -> None:
        self.access = access
        self.purchases = purchases
        self.clock = clock
        self.ledger = coordination.ledger
        self.attempts = data / "attempts"
        self.batches = Batches(
            BatchStore(data / "batches"),
            access,
            purchases=purchases,
            coordination=coordination,
            clock=clock,
            assumed_price=assumed_price,
            timeout_seconds=timeout_seconds,
        )
        self.daily_budget_usd = daily_budget_usd
        self.assumed_price = assumed_price
        self.timeout_seconds = timeout_seconds
        self.backoff_seconds = backoff_seconds
        self.closed: dict[str, str] = {}
        self.turns = Turns(
            coordination,
            rates or {},
            concurrency=concurrency,
            requests_of_all=requests_per_minute,
            window_seconds=window_seconds,
            backoff_seconds=backoff_seconds,
        )

    def configured(self, prompt: Prompt) -> list[str]:
        """The models of a prompt's chain whose provider is configured."""
        return [name for name in prompt.models if self.access[split_name(name)[0]].is_configured]

    def require_prices(self, names: Sequence[str]) -> None:
        """Raise UnknownPrice if there is a budget and the price of a model is not known."""
        if self.daily_budget_usd is None:
            return
        unknown = [
            name for name in names if price(name, CallTokens(1, 1), self.assumed_price) is None
        ]
        if unknown:
            raise UnknownPrice(
                "PAPERS_DAILY_BUDGET_USD is set, but "
                f"the price of {', '.join(unknown)} is not known: "
                "set PAPERS_ASSUME_PRICE_USD (USD per million tokens), or unset the budget"
            )

    def why_closed(self, name: str) -> str | None:
        """Why a model is not asked any more; None if it still is."""
        return self.closed.get(split_name(name)[0]) or self.closed.get(name)

    def closed_models(self, prompt: Prompt) -> dict[str, str]:
        """The models of a prompt's chain that are not asked any more, and why."""
        closed = {}
        for name in prompt.models:
            why = self.why_closed(name)
            if why:
                closed[name] = why
        return closed

    async def examine(self, name: str) -> str | None:
        """What is wrong with a model; None if its provider lists it and it answers a question."""
        from pydantic_ai.direct import model_request
        from pydantic_ai.messages import ModelRequest
        from pydantic_ai.settings import ModelSettings

        connection = connect(name, self.access[split_name(name)[0]], self.timeout_seconds)
        question = ModelRequest.user_text_prompt("Answer with the word yes.")
        settings = ModelSettings(max_tokens=64, thinking=False)
        call = self.unsettled(name, [question], 64, asset="doctor")
        try:
            try:
                await connection.card()
            except Exception as error:  # each SDK has errors of its own
                return f"is not listed: {one_line(error)}"
            await asyncio.to_thread(self.ledger.reserve, call)
            try:
                response = await model_request(
                    connection.model, [question], model_settings=settings
                )
            except Exception as error:  # whatever an SDK makes of an answer
                if is_free(error):
                    self.settle(call.refused())
                return f"is listed, but does not answer: {one_line(error)}"
        finally:
            await connection.close()
        self.settle(settled(call, response, [question], self.assumed_price))
        return None

    def unsettled(
        self, name: str, messages: "Sequence[ModelMessage]", max_tokens: int, **about: Any
    ) -> Spending:
        """The line of the ledger for a request about to be sent, with the most that it may cost.

        `max_tokens` are those of the answer; `about` says what it is asked for.
        """
        provider, model = split_name(name)
        tokens = CallTokens(asked_tokens(messages), max_tokens)
        return Spending(
            at=self.clock.now(),
            provider=provider,
            model=model,
            usd=price(name, tokens, self.assumed_price),
            call=uuid.uuid4().hex[:16],
            state="unsettled",
            **asdict(tokens),
            **about,
        )

    def settle(self, spending: Spending) -> None:
        """Enter what became of a call. An answer is not lost if this fails."""
        try:
            self.ledger.add(spending)
        except OSError as error:
            logger.warning("a call stays unsettled in the ledger: %s", error)

    async def why_unreachable(self, provider: str) -> str | None:
        """Why a provider does not list its models; None if it does."""
        try:
            await list_models(provider, self.access[provider], self.timeout_seconds)
        except Exception as error:  # each SDK has errors of its own
            return one_line(error)
        return None


def settled(
    call: Spending,
    response: "ModelResponse",
    messages: "Sequence[ModelMessage]",
    assumed_price: float | None,
) -> Spending:
    """The line that settles a call: what the answer to these messages cost."""
    tokens, is_estimated = counted_tokens(response, messages)
    usd = None if is_estimated else _known_usd(response)
    if usd is None:
        usd = price(f"{call.provider}:{call.model}", tokens, assumed_price)
    state: CallState = "estimated" if is_estimated else "settled"
    return call.model_copy(update=asdict(tokens) | {"usd": usd, "state": state})


def _known_usd(response: "ModelResponse") -> float | None:
    """The price by the response, which also knows its service tier, and audio and other tokens with
    own prices; None if that is unknown."""
    try:
        return float(response.cost().total_price)
    except (LookupError, ValueError):
        return None
