"""The sandbox's batches are created, listed and answered as the official SDKs expect."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import anthropic
import openai
import pytest
from pydantic_ai.exceptions import ModelAuthenticationError, ModelServerError
from pydantic_ai.messages import ModelRequest, ModelResponse
from pydantic_ai.models import Model
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.batch import Batch, BatchRequest, BatchResult
from pydantic_ai.models.openai import OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

from papers_pipeline.prompts.prompt import load_prompts
from papers_pipeline.sandbox.world import Reply
from papers_pipeline_tests.conftest import LONG_AGO, Outside

PROVIDERS = ("openai", "anthropic")
(ENGLISH,) = (prompt for prompt in load_prompts().summaries if prompt.language == "en")
TITLES = ("Kettle 1", "Kettle 2", "Kettle 3")


def request(number: int) -> BatchRequest:
    sent = ENGLISH.messages(title=TITLES[number], abstract="Kettles whistle late.")
    message = ModelRequest.user_text_prompt(sent.user, instructions=sent.system)
    return BatchRequest(
        custom_id=f"{number:064x}", messages=[message], model_settings={"max_tokens": 500}
    )


REQUESTS = [request(number) for number in range(len(TITLES))]


@asynccontextmanager
async def model(outside: Outside, provider: str, key: str = "key") -> AsyncIterator[Model]:
    if provider == "openai":
        async with openai.AsyncOpenAI(
            api_key=key, base_url=f"{outside.url}/openai/v1", max_retries=0
        ) as client:
            yield OpenAIResponsesModel("gpt-6-luna", provider=OpenAIProvider(openai_client=client))
        return
    async with anthropic.AsyncAnthropic(
        api_key=key, base_url=f"{outside.url}/anthropic", max_retries=0
    ) as client:
        yield AnthropicModel(
            "claude-haiku-5-5", provider=AnthropicProvider(anthropic_client=client)
        )


async def create(of: Model) -> Batch:
    return await of.batch_create([await of.batch_encode(each) for each in REQUESTS])


async def results(of: Model) -> dict[str, BatchResult]:
    batch = await of.batch_status(await create(of))
    assert batch.status == "ended"
    return {result.custom_id: result for result in await of.batch_results(batch)}


def ended(outside: Outside, provider: str) -> dict[str, BatchResult]:
    """The results of a batch with all requests."""

    async def work() -> dict[str, BatchResult]:
        async with model(outside, provider) as of:
            return await results(of)

    return asyncio.run(work())


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_request_is_answered_under_its_custom_id(outside: Outside, provider: str):
    async def work() -> list[ModelResponse]:
        async with model(outside, provider) as of:
            found = await results(of)
            return [of.batch_decode(found[each.custom_id], each) for each in REQUESTS]

    responses = asyncio.run(work())
    assert len({response.text for response in responses}) == len(REQUESTS)
    for response in responses:
        assert response.provider_details["processing"] == "batch"
        assert response.finish_reason == "stop"
        assert response.usage.output_tokens == (len(response.text) + 3) // 4
        assert response.usage.input_tokens > 100
    assert outside.world.calls == []


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_batch_ends_when_its_time_has_passed(outside: Outside, provider: str):
    outside.world.batch_seconds = 3600

    async def work() -> tuple[str, str]:
        async with model(outside, provider) as of:
            batch = await create(of)
            assert batch.created_at == LONG_AGO
            before = await of.batch_status(batch)
            outside.world.now = LONG_AGO + timedelta(hours=1)
            return before.status, (await of.batch_status(batch)).status

    assert asyncio.run(work()) == ("in_progress", "ended")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_requests_expire_and_fail_one_by_one(outside: Outside, provider: str):
    outside.world.replies += [
        Reply("expired", title=TITLES[0]),
        Reply("errored", title=TITLES[1]),
    ]
    found = ended(outside, provider)
    assert [found[each.custom_id].status for each in REQUESTS] == [
        "expired",
        "errored",
        "succeeded",
    ]

    async def decode() -> None:
        async with model(outside, provider) as of:
            of.batch_decode(found[REQUESTS[1].custom_id], REQUESTS[1])

    with pytest.raises(ModelServerError):
        asyncio.run(decode())


def test_openai_can_reject_a_whole_batch(outside: Outside):
    outside.world.replies.append(Reply("invalid"))
    found = ended(outside, "openai")
    assert {result.status for result in found.values()} == {"errored"}
    assert "Enqueued token limit reached" in found[REQUESTS[0].custom_id].body


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_canceled_batch_answers_nothing(outside: Outside, provider: str):
    outside.world.batch_seconds = 3600

    async def work() -> set[str]:
        async with model(outside, provider) as of:
            batch = await create(of)
            await of.batch_cancel(batch)
            canceled = await of.batch_status(batch)
            return {result.status for result in await of.batch_results(canceled)}

    assert asyncio.run(work()) == {"canceled"}


def test_both_lists_are_paged_and_newest_first(outside: Outside):
    async def work() -> tuple[list[str], list[str]]:
        async with model(outside, "openai") as of_openai, model(outside, "anthropic") as of_claude:
            for _ in range(3):
                await create(of_openai)
                await create(of_claude)
            by_openai = [job.id async for job in of_openai.client.batches.list(limit=2)]
            by_claude = [
                job.id async for job in of_claude.client.beta.messages.batches.list(limit=2)
            ]
            return by_openai, by_claude

    newest_first = ["batch-3", "batch-2", "batch-1"]
    assert asyncio.run(work()) == (newest_first, newest_first)


def test_openai_keeps_the_file_that_a_batch_names(outside: Outside):
    async def work() -> list[str]:
        async with model(outside, "openai") as of:
            batch = await create(of)
            file = await of.client.files.content(batch.provider_details["input_file_id"])
            return [json.loads(line)["custom_id"] for line in file.text.splitlines()]

    assert asyncio.run(work()) == [each.custom_id for each in REQUESTS]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_wrong_key_creates_no_batch(outside: Outside, provider: str):
    async def work() -> None:
        async with model(outside, provider, key="wrong-key") as of:
            await create(of)

    with pytest.raises(ModelAuthenticationError):
        asyncio.run(work())
    assert outside.world.batches == []
