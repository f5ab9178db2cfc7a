"""The batch APIs of the providers: one class per protocol.

Each creates a job once, without retries, and can find a job that was created by a process which
died before it heard of it.
"""

import json
from collections.abc import Sequence, Set
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal, Protocol

from papers_pipeline.base.model_providers import PROVIDERS
from papers_pipeline.llm.batch_store import BatchJob
from papers_pipeline.llm.providers import Access, anthropic_client, openai_client
from papers_pipeline.prompts.model_names import split_name

if TYPE_CHECKING:
    from anthropic.types.beta.messages import BetaMessageBatch
    from openai.types import Batch as OpenAIJob
    from pydantic_ai.models import Model
    from pydantic_ai.models.batch import Batch, EncodedBatchRequest

BATCH_PROVIDERS = ("openai", "anthropic")
"""The providers whose batches are used. The others are asked live."""
BATCH_SHARE = 0.5
"""The price of an answer in a batch, as a share of the price of a call."""
BEFORE, AFTER = timedelta(minutes=10), timedelta(hours=1)
"""How far the provider's clock may be from ours, with the time that its answer took."""
ENDPOINT: Literal["/v1/responses"] = "/v1/responses"


class NotCreated(Exception):
    """The provider refused the job: there is none, and nothing is to be paid."""


class BatchProvider(Protocol):
    """One model's batches."""

    @property
    def model(self) -> "Model":
        """The model, whose batch methods do the rest."""

    async def upload(self, requests: Sequence["EncodedBatchRequest"]) -> str | None:
        """Send the requests ahead of the job; the id of their file. It costs nothing."""

    async def create(self, job: BatchJob, requests: Sequence["EncodedBatchRequest"]) -> "Batch":
        """Create the job. Raises NotCreated if there is certainly none; after any other error there
        may be one."""

    async def find(
        self, job: BatchJob, keys: Set[str], group: str, known: Set[str]
    ) -> "Batch | Literal['unsure'] | None":
        """The job with the texts `keys` if there is one, None if there is not.

        "unsure" if that cannot be told yet. `known` are the ids of other jobs of ours. A recovered
        job may be of any age, and some of its keys may be lost.
        """

    async def group(self) -> str:
        """What pydantic-ai says that requests of one job share, if they were made now."""

    async def close(self) -> None: ...


def has_batches(name: str) -> bool:
    """Whether a model, `<provider>:<model>`, is asked by batch."""
    return split_name(name)[0] in BATCH_PROVIDERS


def connect_batches(name: str, access: Access, timeout_seconds: float) -> BatchProvider:
    """The batches of a model. Creating one is never retried: there would be two."""
    provider, model = split_name(name)
    if provider == "anthropic":
        return AnthropicBatches(model, access, timeout_seconds)
    return OpenAIBatches(model, access, timeout_seconds)


class AnthropicBatches:
    """Message Batches. A job has no name of ours, and its custom ids are told when it has ended.

    https://docs.anthropic.com/en/api/creating-message-batches
    """

    def __init__(self, name: str, access: Access, timeout_seconds: float) -> None:
        from pydantic_ai.models.anthropic import AnthropicModel
        from pydantic_ai.providers.anthropic import AnthropicProvider

        from papers_pipeline.llm.result_files import ResultsClient

        http = ResultsClient(timeout=timeout_seconds, follow_redirects=True)
        self._client = anthropic_client(access, timeout_seconds, http)
        self.model = AnthropicModel(name, provider=AnthropicProvider(anthropic_client=self._client))

    async def upload(self, requests: Sequence["EncodedBatchRequest"]) -> str | None:
        return None

    async def create(self, job: BatchJob, requests: Sequence["EncodedBatchRequest"]) -> "Batch":
        from pydantic_ai.exceptions import ModelHTTPError

        try:
            return await self.model.batch_create(requests)
        except ModelHTTPError as error:
            _raise_if_refused(error.status_code, error)
            raise

    async def find(
        self, job: BatchJob, keys: Set[str], group: str, known: Set[str]
    ) -> "Batch | Literal['unsure'] | None":
        is_sure = True
        async for listed in self._client.beta.messages.batches.list(limit=100):
            if listed.id in known:
                continue
            if not job.is_recovered:
                if listed.created_at < job.created_at - BEFORE:
                    break
                if listed.created_at > job.created_at + AFTER:
                    continue
            counts = listed.request_counts
            requests = counts.processing + counts.succeeded + counts.errored
            if requests + counts.canceled + counts.expired != job.requests:
                continue
            if listed.processing_status != "ended":
                is_sure = False
            elif keys and keys <= await self._custom_ids(listed.id):
                return self._batch(listed, group)
        return None if is_sure else "unsure"

    async def _custom_ids(self, job_id: str) -> set[str]:
        ids = set()
        async for result in await self._client.beta.messages.batches.results(job_id):
            ids.add(result.custom_id)
        return ids

    def _batch(self, listed: "BetaMessageBatch", group: str) -> "Batch":
        from pydantic_ai.models.batch import Batch

        return Batch(
            id=listed.id,
            model_name=self.model.model_name,
            provider_name=self.model.system,
            group=group,
            status="in_progress",
            created_at=listed.created_at,
            request_count=0,
        )

    async def group(self) -> str:
        return await _group(self.model)

    async def close(self) -> None:
        await self._client.close()


class OpenAIBatches:
    """The Batch API over the Responses API. A job names the file with its requests.

    https://platform.openai.com/docs/api-reference/batch
    """

    def __init__(self, name: str, access: Access, timeout_seconds: float) -> None:
        from pydantic_ai.models.openai import OpenAIResponsesModel
        from pydantic_ai.providers.openai import OpenAIProvider

        from papers_pipeline.llm.result_files import ResultsClient

        http = ResultsClient(timeout=timeout_seconds, follow_redirects=True)
        self._client = openai_client(PROVIDERS["openai"], access, timeout_seconds, http)
        self.model = OpenAIResponsesModel(name, provider=OpenAIProvider(openai_client=self._client))

    async def upload(self, requests: Sequence["EncodedBatchRequest"]) -> str | None:
        lines = []
        for request in requests:
            line = {
                "custom_id": request.custom_id,
                "method": "POST",
                "url": ENDPOINT,
                "body": json.loads(request.body),
            }
            lines.append(json.dumps(line, ensure_ascii=False).encode())
        file = await self._client.files.create(
            file=("papers.jsonl", b"\n".join(lines)), purpose="batch"
        )
        return file.id

    async def create(self, job: BatchJob, requests: Sequence["EncodedBatchRequest"]) -> "Batch":
        # Not pydantic-ai's `batch_create`: it does not tell the file before the job is created.
        from openai import APIStatusError

        try:
            created = await self._client.batches.create(
                input_file_id=job.input_file or "", endpoint=ENDPOINT, completion_window="24h"
            )
        except APIStatusError as error:
            _raise_if_refused(error.status_code, error)
            raise
        return self._batch(created, requests[0].group, len(requests))

    async def find(
        self, job: BatchJob, keys: Set[str], group: str, known: Set[str]
    ) -> "Batch | Literal['unsure'] | None":
        async for listed in self._client.batches.list(limit=100):
            if job.is_recovered:
                is_free = listed.id not in known
                is_found = is_free and keys <= await self._custom_ids(listed.input_file_id)
            else:
                if datetime.fromtimestamp(listed.created_at, tz=UTC) < job.created_at - BEFORE:
                    break
                is_found = listed.input_file_id == job.input_file
            if is_found:
                return self._batch(listed, group, job.requests)
        return None

    async def _custom_ids(self, file_id: str) -> set[str]:
        """The custom ids in an uploaded file; none if it was deleted."""
        from openai import NotFoundError

        try:
            content = await self._client.files.content(file_id)
        except NotFoundError:
            return set()
        return {json.loads(line)["custom_id"] for line in content.content.splitlines()}

    async def group(self) -> str:
        return await _group(self.model)

    def _batch(self, listed: "OpenAIJob", group: str, requests: int) -> "Batch":
        from pydantic_ai.models.batch import Batch

        return Batch(
            id=listed.id,
            model_name=self.model.model_name,
            provider_name=self.model.system,
            group=group,
            status="in_progress",
            created_at=datetime.fromtimestamp(listed.created_at, tz=UTC),
            request_count=requests,
            provider_details={"status": listed.status, "input_file_id": listed.input_file_id},
        )

    async def close(self) -> None:
        await self._client.close()


async def _group(model: "Model") -> str:
    from pydantic_ai.messages import ModelRequest
    from pydantic_ai.models.batch import BatchRequest

    any_request = BatchRequest(custom_id="-", messages=[ModelRequest.user_text_prompt("?")])
    return (await model.batch_encode(any_request)).group


def _raise_if_refused(status: int, error: Exception) -> None:
    """Raise NotCreated for a status by which the provider says that it created nothing."""
    # 408 and 409 may come after the job was created.
    if 400 <= status < 500 and status not in (408, 409):
        raise NotCreated(str(error)) from error
