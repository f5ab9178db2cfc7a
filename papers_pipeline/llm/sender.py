"""Sends requests to models: within the limits and the budget, each in the ledger."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from papers_pipeline.base.loaded_once import LoadedOnce, preload
from papers_pipeline.base.notes import Note
from papers_pipeline.base.per_paper import PaperPending
from papers_pipeline.llm.errors import Closed, CutOff, NotReadable, is_free, named, one_line
from papers_pipeline.llm.models import Models, settled
from papers_pipeline.llm.question import Question
from papers_pipeline.llm.responses import without_surrogates
from papers_pipeline.llm.spent import Spent
from papers_pipeline.llm.turns import LONGEST_WAITED_PAUSE_SECONDS, Turn
from papers_pipeline.prompts.model_names import split_name
from papers_pipeline.prompts.prompt import Prompt
from papers_pipeline.store.ledger import Spending
from papers_pipeline.store.limits import POLL_SECONDS

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelMessage, ModelResponse
    from pydantic_ai.models import Model

TRIES = 3
TRIES_WHEN_SENT = 2
"""A request that was sent and got no answer may have been paid for, each time."""
TRIES_WHEN_REFUSED = 10
"""A rate limit says nothing against the request: it is sent again more often."""
SLOWEST = 2
"""A whole exchange may take so many times what the provider has for its first byte."""


class Sender:
    """Sends the requests of one prompt, and adds up what they cost."""

    def __init__(
        self,
        models: Models,
        prompt: Prompt,
        day: str | None,
        note: Note,
        preloads: Sequence[LoadedOnce[Any]],
    ) -> None:
        self.spent = Spent()
        self._models = models
        self._prompt = prompt
        self._day = day
        self.note = note
        self._preloads = preloads

    async def send(
        self, name: str, arxiv_id: str, question: Question, model: "Model", *asked: Any
    ) -> "ModelResponse":
        """Send one request within the limits, and enter it into the ledger.

        It is repeated after a rate limit, a server error or a broken connection; only once if the
        provider may have answered, as after a timeout. The pause after a rate limit is waited for
        with all other requests to the provider.
        """
        from pydantic_ai.exceptions import (
            ModelConnectionError,
            ModelRateLimitError,
            ModelServerError,
            ModelUnavailableError,
        )

        refusals = failures = unanswered = 0
        while True:
            try:
                response = await self._in_turn(name, arxiv_id, question, model, *asked)
                break
            except ModelRateLimitError as error:
                refusals += 1
                pause = error.retry_after or 0.0
                if refusals == TRIES_WHEN_REFUSED or pause > LONGEST_WAITED_PAUSE_SECONDS:
                    raise
            except (ModelServerError, ModelUnavailableError, ModelConnectionError) as error:
                failures += 1
                unanswered += not is_free(error)
                pause = error.retry_after or self._models.backoff_seconds * 2 ** (failures - 1)
                if failures == TRIES or unanswered == TRIES_WHEN_SENT:
                    raise
                if pause > LONGEST_WAITED_PAUSE_SECONDS:
                    raise
                await asyncio.sleep(pause)
        # Not left to validation: half an answer may be valid, and a correction of an invalid one
        # would be cut off again.
        if response.finish_reason == "length":
            raise CutOff
        return response

    async def _in_turn(
        self, name: str, arxiv_id: str, question: Question, model: "Model", *asked: Any
    ) -> "ModelResponse":
        """Send one request when its turn has come. It is in the ledger before it is sent."""
        from pydantic_ai.exceptions import AgentRunError

        models = self._models
        provider = split_name(name)[0]
        messages = asked[0]
        async with models.turns.after_first_answer(provider, self.note):
            self._require_open(name)
            async with models.turns.turn(provider, question.most_tokens, self.note) as turn:
                # Once more: others may have closed it while this one waited.
                self._require_open(name)
                self._begin_to_preload()
                call = await self._entered(name, arxiv_id, question.key, messages)
                try:
                    response = await self._in_time(name, model, *asked)
                except AgentRunError as error:
                    await self._unanswered(name, call, turn, error)
                    raise
                except Exception as error:  # an SDK stumbled over what came
                    raise NotReadable(f"no readable answer ({named(error)})") from error
                # Before anything is awaited: a cancelled run has to pay as well.
                spending = settled(call, response, messages, models.assumed_price)
                models.settle(spending)
                self.count(question, spending.input_tokens, spending.output_tokens, spending.usd)
                models.turns.has_answered(provider)
                await turn.used(spending.input_tokens + spending.output_tokens)
                return without_surrogates(response)

    async def _in_time(self, name: str, model: "Model", *asked: Any) -> "ModelResponse":
        """The answer. The SDKs' own limit counts from the last byte, so that a drip would last."""
        from pydantic_ai.exceptions import ModelTimeoutError

        seconds = SLOWEST * self._models.timeout_seconds
        try:
            async with asyncio.timeout(seconds):
                return await model.request(*asked)
        except TimeoutError as error:
            message = f"no complete answer within {seconds:g} s"
            raise ModelTimeoutError(name, message, phase="read") from error

    def _require_open(self, name: str) -> None:
        reason = self._models.why_closed(name)
        if reason:
            raise Closed(reason)

    def _begin_to_preload(self) -> None:
        if self._preloads:
            preload(*self._preloads)
            self._preloads = ()

    async def _entered(
        self, name: str, arxiv_id: str, key: str | None, messages: "Sequence[ModelMessage]"
    ) -> Spending:
        """Enter a request into the ledger once the budget has room for it; its line there.

        Raises PaperPending if the budget has no room, even if what is under way costs nothing.
        """
        models = self._models
        is_noted = False
        while True:
            call = models.unsettled(
                name,
                messages,
                self._prompt.max_tokens,
                asset=self._prompt.asset,
                arxiv_id=arxiv_id,
                day=self._day,
                prompt_version=self._prompt.version,
                key=key,
            )
            room = await asyncio.to_thread(
                models.ledger.reserve, call, models.daily_budget_usd, models.timeout_seconds
            )
            if room == "reserved":
                return call
            if room == "none":
                raise PaperPending("budget")
            if not is_noted:
                self.note("waiting for the budget: calls under way may take what is left of it")
                is_noted = True
            await asyncio.sleep(POLL_SECONDS)

    async def _unanswered(self, name: str, call: Spending, turn: Turn, error: Exception) -> None:
        """Settle a request that was turned away, and close or pause what turned it away.

        A request that may have been paid for stays unsettled.
        """
        from pydantic_ai.exceptions import (
            ModelAuthenticationError,
            ModelNotFoundError,
            ModelQuotaExceededError,
            ModelRateLimitError,
        )

        models = self._models
        if is_free(error):
            models.settle(call.refused())
        if isinstance(error, (ModelAuthenticationError, ModelQuotaExceededError)):
            models.closed[split_name(name)[0]] = one_line(error)
        elif isinstance(error, ModelNotFoundError):
            models.closed[name] = one_line(error)
        elif isinstance(error, ModelRateLimitError):
            await turn.refused(error.retry_after)

    def count(
        self, question: Question, input_tokens: int, output_tokens: int, usd: float | None
    ) -> None:
        """Add one answer to what was spent."""
        for spent in (self.spent, question.spent):
            spent.calls += 1
            spent.input_tokens += input_tokens
            spent.output_tokens += output_tokens
            spent.usd += usd or 0.0
            spent.unpriced_calls += usd is None
