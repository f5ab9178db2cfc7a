"""Batches on disk: the jobs that were submitted, their texts, and the answers to be used.

`jobs/<id>.json` says how far a job is, `requests/<id>.json` lists its texts, and
`texts/<2 hex>/<key>.json` is there while a text waits for its job, or its answer to be used.
The key of a text is that of its entry in the cache.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter
from upath import UPath

from papers_pipeline.store import files as storage

FORMAT = 1

JobState = Literal["preparing", "submitting", "open", "collected", "refused", "forgotten"]
"""How far a job is.

- `preparing`: the provider was not asked for a job yet.
- `submitting`: it was asked. Whether there is a job is not known yet.
- `open`: there is a job.
- `collected`: its answers are stored.
- `refused`: the provider created none.
- `forgotten`: the operator gave it up.
"""
UNSETTLED = ("preparing", "submitting", "open")


class BatchText(BaseModel):
    """A text that a job asks for."""

    model_config = ConfigDict(frozen=True)

    key: str
    asset: str
    arxiv_id: str
    day: str
    prompt_version: str


class BatchJob(BaseModel):
    """One job of a provider.

    `created_at` is when the provider was asked for the job. `model` is `<provider>:<model>`.
    `group` is what pydantic-ai says that requests of one job share. `input_file` is the id of the
    uploaded requests, if the provider takes them as a file. `handle` is pydantic-ai's `Batch` as
    JSON. `results` counts the requests by how they ended; `unanswered` says it of each text without
    an answer, by its key. `estimated_usd` is what the answers should cost, `usd` what they cost.
    """

    model_config = ConfigDict(frozen=True)

    format: int = FORMAT
    id: str
    model: str
    state: JobState
    created_at: datetime
    requests: int
    days: tuple[str, ...]
    group: str
    estimated_usd: float | None = None
    input_file: str | None = None
    handle: dict[str, Any] | None = None
    ended_at: datetime | None = None
    results: dict[str, int] = {}
    unanswered: dict[str, str] = {}
    usd: float | None = None
    detail: str | None = None

    @property
    def is_settled(self) -> bool:
        """Whether nothing more will come of the job."""
        return self.state not in UNSETTLED


class KeptText(BaseModel):
    """A text that waits for its job, or for its answer to be used.

    `body` is the answer as the provider sent it, None while the job is open.
    """

    model_config = ConfigDict(frozen=True)

    format: int = FORMAT
    job: str
    model: str
    body: str | None = None


_TEXTS = TypeAdapter(list[BatchText])


class BatchStore:
    """The files below `root`."""

    def __init__(self, root: UPath) -> None:
        self._root = root

    def jobs(self) -> list[BatchJob]:
        """All jobs, oldest first."""
        jobs = []
        for path in (self._root / "jobs").glob("*.json"):
            jobs.append(BatchJob.model_validate_json(path.read_bytes()))
        return sorted(jobs, key=lambda job: (job.created_at, job.id))

    def save(self, job: BatchJob) -> BatchJob:
        """Write how far the job is, so that it outlives a power cut; returns the job."""
        content = job.model_dump_json(indent=1).encode() + b"\n"
        storage.write(self._root / "jobs" / f"{job.id}.json", content, durable=True)
        return job

    def drop(self, job: BatchJob) -> None:
        """Delete what is written about a job."""
        (self._root / "requests" / f"{job.id}.json").unlink(missing_ok=True)
        (self._root / "jobs" / f"{job.id}.json").unlink(missing_ok=True)

    def texts(self, job: BatchJob) -> list[BatchText]:
        """The texts of a job."""
        data = storage.read(self._root / "requests" / f"{job.id}.json")
        return [] if data is None else _TEXTS.validate_json(data)

    def save_texts(self, job: BatchJob, texts: Sequence[BatchText]) -> None:
        """Write the list of a job's texts."""
        rows = [text.model_dump(mode="json") for text in texts]
        content = json.dumps(rows, ensure_ascii=False).encode() + b"\n"
        storage.write(self._root / "requests" / f"{job.id}.json", content, durable=True)

    def text(self, key: str) -> KeptText | None:
        """What is kept about a text; None if no batch has it."""
        data = storage.read(self._path(key))
        return None if data is None else KeptText.model_validate_json(data)

    def keep(self, key: str, text: KeptText) -> None:
        """Say that a job has the text, or keep its answer."""
        storage.write(self._path(key), text.model_dump_json().encode() + b"\n", durable=True)

    def discard(self, key: str) -> None:
        """Forget a text: its answer was used, or none will come."""
        self._path(key).unlink(missing_ok=True)

    def release(self, job: BatchJob) -> None:
        """Forget the job's texts without an answer, so that they can be bought again."""
        for text in self.texts(job):
            kept = self.text(text.key)
            if kept is not None and kept.job == job.id and kept.body is None:
                self.discard(text.key)

    def prune(self, before: datetime) -> int:
        """Delete the jobs that ended before this time and whose answers were all used.

        Returns their number.
        """
        deleted = 0
        for job in self.jobs():
            is_old = job.ended_at is not None and job.ended_at < before
            if is_old and all(self.text(text.key) is None for text in self.texts(job)):
                self.drop(job)
                deleted += 1
        return deleted

    def _path(self, key: str) -> UPath:
        return self._root / "texts" / key[:2] / f"{key}.json"
