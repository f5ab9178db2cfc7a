"""Batches on disk: the jobs that were submitted, their texts, and the answers to be used.

`jobs/<id>.json` says how far a job is, `requests/<id>.json` lists its texts, and
`texts/<2 hex>/<key>.json` is there while a text waits for its job, or its answer to be used.
The key of a text is that of its purchase.

Each of the three can be made again from the others. A damaged file is set aside, as everywhere, and
what it said is recovered at once, before anyone could buy its texts a second time.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from upath import UPath

from papers_pipeline.store import files as storage
from papers_pipeline.store import sealed
from papers_pipeline.store.damage import SUFFIX, Damaged, opened

Content = TypeVar("Content", bound=BaseModel)
UNKNOWN = "unknown"
"""The asset, paper and prompt of a text that no file tells any more."""

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

    format: int = sealed.FORMAT
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
    is_recovered: bool = False

    @property
    def is_settled(self) -> bool:
        """Whether nothing more will come of the job."""
        return self.state not in UNSETTLED


class KeptText(BaseModel):
    """A text that waits for its job, or for its answer to be used.

    `body` is the answer as the provider sent it, None while the job is open. `text` repeats the
    line of the job's list. Files of earlier releases lack it.
    """

    model_config = ConfigDict(frozen=True)

    format: int = sealed.FORMAT
    job: str
    model: str
    body: str | None = None
    text: BatchText | None = None


class _TextList(BaseModel):
    format: int = sealed.FORMAT
    texts: list[BatchText]


_TEXTS = TypeAdapter(list[BatchText])


class BatchStore:
    """The files below `root`. A file of a newer release raises NewerFormat."""

    def __init__(self, root: UPath) -> None:
        self._root = root

    def jobs(self) -> list[BatchJob]:
        """All jobs, oldest first. One whose file is lost, and whose texts are not, is recovered."""
        jobs = []
        folder = self._root / "jobs"
        for name in _named(storage.names(folder), ".json"):
            job = _read(folder / name, BatchJob)
            if job is not None:
                jobs.append(job)
        jobs += self._recovered_jobs({job.id for job in jobs})
        return sorted(jobs, key=lambda job: (job.created_at, job.id))

    def save(self, job: BatchJob) -> BatchJob:
        """Write how far the job is, so that it outlives a power cut; returns the job."""
        storage.write(self._job_path(job.id), sealed.encode(job), durable=True)
        return job

    def drop(self, job: BatchJob) -> None:
        """Delete what is written about a job."""
        for path in (self._list_path(job.id), self._job_path(job.id)):
            _unlink(path)

    def texts(self, job: BatchJob) -> list[BatchText]:
        """The texts of a job. If the list is lost, those that wait or have an unused answer."""
        listed = self._listed(job.id)
        if listed is not None:
            return listed
        texts = []
        for key, kept in self._kept_of(job.id):
            texts.append(kept.text or _unknown_text(key, job))
        if texts:
            self.save_texts(job, texts)
        return texts

    def save_texts(self, job: BatchJob, texts: Sequence[BatchText]) -> None:
        """Write the list of a job's texts."""
        content = sealed.encode(_TextList(texts=list(texts)))
        storage.write(self._list_path(job.id), content, durable=True)

    def text(self, key: str) -> KeptText | None:
        """What is kept about a text; None if no batch has it.

        If its file is damaged, it waits for its job again, which `jobs_to_collect_again` names.
        """
        path = self._text_path(key)
        # Hardly any text is in a batch: on a bucket, this is one request in place of three.
        names = storage.names(path.parent)
        if path.name not in names and _aside(path).name not in names:
            return None
        kept = _read(path, KeptText)
        if kept is None and storage.exists(_aside(path)):
            return self._recovered_text(key)
        return kept

    def keep(self, key: str, text: KeptText) -> None:
        """Say that a job has the text, or keep its answer."""
        storage.write(self._text_path(key), sealed.encode(text), durable=True)

    def discard(self, key: str) -> None:
        """Forget a text: its answer was used, or none will come."""
        _unlink(self._text_path(key))

    def release(self, job: BatchJob) -> None:
        """Forget the job's texts without an answer, so that they can be bought again."""
        for text in self.texts(job):
            kept = self.text(text.key)
            if kept is not None and kept.job == job.id and kept.body is None:
                self.discard(text.key)

    def jobs_to_collect_again(self) -> set[str]:
        """The ids of collected jobs of which an answer was lost before it was used."""
        waiting_for = set()
        for name in _named(storage.listing(self._root / "texts"), f".json{SUFFIX}"):
            kept = self.text(PurePosixPath(name).name.partition(".")[0])
            if kept is not None and kept.body is None:
                waiting_for.add(kept.job)
        return {job.id for job in self.jobs() if job.state == "collected"} & waiting_for

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

    def _recovered_jobs(self, known: set[str]) -> Iterator[BatchJob]:
        """The jobs that have texts but no file. They may exist at the provider, or have ended."""
        folders = ((self._root / "requests", ".json"), (self._root / "jobs", f".json{SUFFIX}"))
        names = set()
        for folder, suffix in folders:
            found = _named(storage.names(folder), suffix)
            names |= {name.removesuffix(suffix) for name in found}
        for name in sorted(names - known):
            kept = dict(self._kept_of(name))
            # A job is written before its texts are: it is not lost if it is there now.
            if not kept or storage.exists(self._job_path(name)):
                continue
            texts = self._listed(name)
            if texts is None:
                texts = [each.text for each in kept.values() if each.text is not None]
            first = self._text_path(next(iter(kept)))
            changed_at = storage.listing(first.parent)[first.name].changed_at
            yield self.save(
                BatchJob(
                    id=name,
                    model=next(iter(kept.values())).model,
                    state="submitting",
                    created_at=datetime.fromtimestamp(changed_at, UTC),
                    requests=len(texts) or len(kept),
                    days=tuple(sorted({text.day for text in texts})),
                    group="",
                    is_recovered=True,
                )
            )

    def _recovered_text(self, key: str) -> KeptText | None:
        """A damaged text, waiting for the last job that has it; None if none has."""
        for job in reversed(self.jobs()):
            if job.state in ("refused", "forgotten") or key in job.unanswered:
                continue
            for text in self.texts(job):
                if text.key == key:
                    kept = KeptText(job=job.id, model=job.model, text=text)
                    self.keep(key, kept)
                    return kept
        return None

    def _listed(self, job_id: str) -> list[BatchText] | None:
        """The list of a job's texts; None if there is none or it is damaged."""
        return opened(self._list_path(job_id), _decoded_texts, "its texts are read instead")

    def _kept_of(self, job_id: str) -> Iterator[tuple[str, KeptText]]:
        """The texts that a job has, by their keys."""
        listed = self._listed(job_id)
        if listed is None:
            found = _named(storage.listing(self._root / "texts"), ".json")
            paths = [self._root / "texts" / name for name in found]
        else:
            paths = [self._text_path(text.key) for text in listed]
        for path in paths:
            kept = _read(path, KeptText)
            if kept is not None and kept.job == job_id:
                yield path.stem, kept

    def _job_path(self, job_id: str) -> UPath:
        return self._root / "jobs" / f"{job_id}.json"

    def _list_path(self, job_id: str) -> UPath:
        return self._root / "requests" / f"{job_id}.json"

    def _text_path(self, key: str) -> UPath:
        return self._root / "texts" / key[:2] / f"{key}.json"


def _read(path: UPath, record: type[Content]) -> Content | None:
    """The record in a file; None if there is no file or it is damaged."""
    return opened(
        path, lambda data: sealed.decode(data, record), "the provider's list of batches decides"
    )


def _decoded_texts(data: bytes) -> list[BatchText]:
    """A list of texts. That of an earlier release is bare. Raises Damaged or Newer."""
    if not data.startswith(b"["):
        return sealed.decode(data, _TextList).texts
    try:
        return _TEXTS.validate_json(data)
    except ValidationError as error:
        raise Damaged(error.errors()[0]["msg"]) from None


def _unknown_text(key: str, job: BatchJob) -> BatchText:
    """A text of which only the key is known."""
    day = job.days[0] if job.days else UNKNOWN
    return BatchText(key=key, asset=UNKNOWN, arxiv_id=UNKNOWN, day=day, prompt_version=UNKNOWN)


def _named(names: Iterable[str], suffix: str) -> list[str]:
    """Those of the names that end so."""
    return [name for name in names if name.endswith(suffix)]


def _aside(path: UPath) -> UPath:
    return path.with_name(path.name + SUFFIX)


def _unlink(path: UPath) -> None:
    """Delete a file, and the damaged one that it replaced."""
    storage.delete(path)
    storage.delete(_aside(path))
