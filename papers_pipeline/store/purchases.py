"""What was bought, fetched or computed about papers: one JSON file per key.

Each is written as soon as a paper is done. Nothing is computed or paid for twice, whichever day
lists the paper and however a run ended.
"""

import asyncio
import hashlib
import json
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import BaseModel, ConfigDict
from upath import UPath

from papers_pipeline.base.clock import Clock
from papers_pipeline.base.notes import Note, noted, unheard
from papers_pipeline.store import files as storage
from papers_pipeline.store import sealed
from papers_pipeline.store.damage import Damaged, opened
from papers_pipeline.store.locks import KeyLocks

logger = logging.getLogger(__name__)

EARLIER = "cache"
"""The name of the folder in releases before `purchases`."""
FILE = re.compile(r"[^/]+/[^/]+/[^/]+\.json")
KEY = re.compile(r"[0-9a-f]{64}")
EXPIRY = dict.fromkeys(("not_found", "refused", "unusable"), timedelta(days=1))
"""How long a failure with this reason is final; any other is for `OTHER_EXPIRY`."""
OTHER_EXPIRY = timedelta(days=30)


class FinalFailure(BaseModel):
    """A failure that another try would only repeat."""

    model_config = ConfigDict(frozen=True)

    stage: str
    reason: str
    detail: str | None = None
    attempts: int


class Purchase(BaseModel):
    """The content of one key: a value or a final failure, and how it came about.

    `provenance` is a JSON object that the writer of the asset defines and parses. The file has a
    checksum, unless an earlier release wrote it (`store/sealed.py`).
    """

    model_config = ConfigDict(frozen=True)

    format: int = sealed.FORMAT
    asset: str
    identity: dict[str, str]
    created_at: datetime
    value: dict[str, Any] | None = None
    failure: FinalFailure | None = None
    expires_at: datetime | None = None
    provenance: dict[str, Any] = {}


def adopt(earlier: UPath, root: UPath) -> None:
    """Move the entries of the folder in which earlier releases kept them. Call it under a lock.

    A folder on this machine is renamed as a whole if there is no other. Else each entry is moved,
    and one that is there already stays as it is.
    """
    entries = storage.listing(earlier)
    if not entries:
        return
    if storage.is_local(root) and not root.exists():
        Path(earlier.path).rename(root.path)
        storage.sync_folder(Path(root.path).parent)
        logger.warning("%s is now %s", earlier, root)
        return
    moved = 0
    for name in entries:
        target = root / name
        data = storage.read(earlier / name)
        if data is not None and FILE.fullmatch(name) and not storage.exists(target):
            storage.write(target, data, durable=True)
            storage.delete(earlier / name)
            moved += 1
    if moved:
        logger.warning("%d purchases were moved from %s to %s", moved, earlier, root)


def digest(*parts: str) -> str:
    """The hex SHA-256 of the parts, joined by a separator."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


class Purchases:
    """Entries in `root` (local or a bucket). `locks` let one process at a time compute an entry."""

    def __init__(self, root: UPath, locks: KeyLocks, clock: Clock) -> None:
        self._root = root
        self._locks = locks
        self._clock = clock

    def key(self, asset: str, identity: dict[str, str]) -> str:
        """The key of an identity: 64 hex digits."""
        return digest(asset, json.dumps(identity, sort_keys=True, ensure_ascii=False))

    def path(self, asset: str, identity: dict[str, str]) -> UPath:
        """The file of an identity's entry: `<asset>/<2 hex>/<key>.json`."""
        key = self.key(asset, identity)
        return self._root / asset / key[:2] / f"{key}.json"

    def get(self, asset: str, identity: dict[str, str]) -> Purchase | None:
        """The entry of an identity; None if there is none or it has expired.

        Like all that reads entries, it takes a damaged one as absent. Raises NewerFormat.
        """
        entry = self.read(self.path(asset, identity))
        if entry is None:
            return None
        expired = entry.expires_at is not None and entry.expires_at <= self._clock.now()
        return None if expired else entry

    def entries(self, asset: str) -> Iterator[Purchase]:
        """Every entry of an asset, in no order, also those that have expired."""
        folder = self._root / asset
        for name in storage.listing(folder):
            entry = self.read(folder / name) if name.endswith(".json") else None
            if entry is not None:
                yield entry

    def paths(self) -> list[UPath]:
        """The files of all entries, in order."""
        paths = []
        for name in storage.listing(self._root):
            if FILE.fullmatch(name) and KEY.fullmatch(PurePosixPath(name).stem):
                paths.append(self._root / name)
        return paths

    def put(self, entry: Purchase) -> None:
        """Write an entry; it replaces the one with the same identity. A power cut cannot take it.

        Raises NewerFormat rather than replace the entry of a newer release.
        """
        path = self.path(entry.asset, entry.identity)
        self.read(path)
        storage.write(path, sealed.encode(entry), durable=True)

    def read(self, path: UPath) -> Purchase | None:
        """The entry in a file; None if there is no file or it is damaged. Raises NewerFormat."""

        def decode(data: bytes) -> Purchase:
            entry = _decoded(data)
            if self.key(entry.asset, entry.identity) != path.stem:
                raise Damaged("it holds the entry of another name")
            return entry

        return opened(path, decode)

    def final_failure(
        self, asset: str, identity: dict[str, str], failure: FinalFailure
    ) -> Purchase:
        """The entry of a failure, with the time when it expires."""
        now = self._clock.now()
        expires_at = now + EXPIRY.get(failure.reason, OTHER_EXPIRY)
        return Purchase(
            asset=asset, identity=identity, created_at=now, failure=failure, expires_at=expires_at
        )

    async def get_or_compute(
        self,
        asset: str,
        identity: dict[str, str],
        compute: Callable[[], Awaitable[Purchase]],
        is_usable: Callable[[Purchase], bool] = lambda entry: True,
        note: Note = unheard,
    ) -> tuple[Purchase, bool]:
        """The entry of an identity, and whether it was stored already.

        A stored entry that is not `is_usable` counts as missing. `compute` runs in one process
        at a time; its result is stored, an exception is not. `note` is told of a long wait for
        another process.
        """
        entry = self.get(asset, identity)
        if entry is not None and is_usable(entry):
            return entry, True
        async with self.held(asset, identity, note):
            entry = self.get(asset, identity)
            if entry is not None and is_usable(entry):
                return entry, True
            entry = await compute()
            # In a thread: the disk takes milliseconds, and other papers go on meanwhile.
            await asyncio.to_thread(self.put, entry)
            return entry, False

    @asynccontextmanager
    async def held(
        self, asset: str, identity: dict[str, str], note: Note = unheard
    ) -> AsyncIterator[None]:
        """Hold the lock under which an identity's entry is computed.

        It is freed when its process ends, however it ends. What others wrote before is seen.
        """
        async with AsyncExitStack() as lock:
            with noted(note, f"waiting for {asset}: another run is making the same row"):
                await lock.enter_async_context(self._locks.key_held(self.key(asset, identity)))
            storage.forget(self.path(asset, identity))
            yield


def _decoded(data: bytes) -> Purchase:
    """The entry that a file holds. Raises Damaged or Newer."""
    entry = sealed.decode(data, Purchase)
    if entry.value is None and entry.failure is None:
        raise Damaged("it has neither a value nor a failure")
    return entry
