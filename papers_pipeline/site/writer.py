"""Writes the site's files: atomically, and only if the bytes differ."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property

from upath import UPath

from papers_pipeline.records import SiteFile
from papers_pipeline.site.catalogue import digest
from papers_pipeline.site.page import Page
from papers_pipeline.site.render import Renderer
from papers_pipeline.site.version import page_version
from papers_pipeline.store import files as storage


class Site:
    """The site below `root`, in a local folder or on a bucket. `renderer` makes its HTML.

    `check` is called before a file is written or deleted, and raises if that is not ours to do.
    """

    def __init__(
        self, root: UPath, renderer: Renderer, check: Callable[[], None] = lambda: None
    ) -> None:
        self.root = root
        self.renderer = renderer
        self._check = check

    def write(self, path: str, content: str | bytes) -> tuple[SiteFile, bool]:
        """Write one file; returns it and whether its bytes changed."""
        data = content.encode() if isinstance(content, str) else content
        self._check()
        changed = storage.write(self.root / path, data)
        sha256 = hashlib.sha256(data).hexdigest()
        return SiteFile(path=path, sha256=sha256, bytes=len(data)), changed

    def write_changed(
        self, pages: Iterable[Page], before: Mapping[str, SiteFile]
    ) -> tuple[list[SiteFile], int]:
        """Make and write the pages whose fingerprint changed.

        `before` holds the files of the last build by path. Returns the files of all pages and how
        many changed.
        """
        written: list[SiteFile] = []
        changed = 0
        for page in pages:
            fingerprint = self._fingerprint(page)
            known = before.get(page.path)
            if known and known.fingerprint == fingerprint and self.has(known):
                written.append(known)
                continue
            file, differs = self.write(page.path, page.make())
            written.append(file.model_copy(update={"fingerprint": fingerprint}))
            changed += differs
        return written, changed

    def write_pages(
        self, pages: Iterable[Page], before: Mapping[str, SiteFile]
    ) -> tuple[list[SiteFile], int]:
        """Like `write_changed`, but also delete files of `before` that are no longer pages.

        Deleted files count as changed.
        """
        written, changed = self.write_changed(pages, before)
        current = {file.path for file in written}
        for path in before.keys() - current:
            self._check()
            storage.delete(self.root / path)
            changed += 1
        return written, changed

    @cached_property
    def _appearance(self) -> str:
        return digest([page_version(), *self.renderer.appearance])

    def _fingerprint(self, page: Page) -> str:
        if page.is_plain:
            return page.fingerprint
        return f"{page.fingerprint} {self._appearance}"

    def has(self, file: SiteFile) -> bool:
        """Whether the file is there, by its size."""
        return storage.size(self.root, file.path) == file.bytes
