"""The sandbox's arXiv: `/pdf/<id>`, `/html/<id>` and the pictures of the HTML.

A paper's PDF is `pdf/<id>.pdf` in the sandbox's folder, or is made from `papers/<id>.yaml` there at
its first request. Its HTML is `html/<id>.html`, or is made likewise. For a paper that its list
marks as withdrawn, the answer is arXiv's: 404, with a page.
"""

import hashlib
import json
import re
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any

import yaml
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from papers_pipeline.documents.arxiv import ARXIV_ID
from papers_pipeline.sandbox.latexml import HEIGHT, WIDTH, page, pictures
from papers_pipeline.sandbox.typeset import (
    MUPDF,
    Author,
    Institution,
    SampleFigure,
    SamplePaper,
    Section,
    picture,
    typeset,
)
from papers_pipeline.sandbox.world import SAMPLE, World
from papers_pipeline.text.latex import readable_math

GARBAGE = (
    b"%!PS-Adobe-2.0\n%%Creator: a sample paper whose PDF is none\n%%EndComments\n"
    + bytes(range(256)) * 8
)
"""The bytes served as the PDF of a paper with the layout `broken`."""
WITHOUT_HTML = frozenset({"2602.90057", "2602.90113"})
"""Sample papers whose conversion to HTML failed, as happens on arXiv."""
MOST_REFERENCES = 6
MOST_REFERENCE_AUTHORS = 2
PATHS = ("/pdf/", "/html/")
LISTED_KEYS = ("summary", "publishedAt", "withdrawnAt")
"""The keys of a listed paper that are kept in memory."""


class Withdrawn(LookupError):
    """The paper was withdrawn."""


@dataclass(frozen=True)
class Documents:
    """The documents of a folder.

    With `substitute`, a missing PDF is replaced by another, always the same for an id: one of the
    folder's PDFs, or of the sample papers if the folder has none.
    """

    folder: Path
    substitute: bool = False

    def pdf(self, arxiv_id: str, now: datetime) -> bytes | None:
        """The PDF of a paper at a given time, or None. Raises Withdrawn."""
        if self._is_withdrawn(arxiv_id, now):
            raise Withdrawn(arxiv_id)
        own = self._own_pdf(arxiv_id)
        if own is not None or not self.substitute:
            return own
        documents, ids = self, self._ids_with_pdf()
        if not ids:
            documents = Documents(SAMPLE)
            ids = documents._ids_with_pdf()
        digest = hashlib.sha256(arxiv_id.encode()).hexdigest()
        return documents._own_pdf(ids[int(digest, 16) % len(ids)])

    def html(self, arxiv_id: str, now: datetime) -> str | None:
        """The HTML of a paper, which the folder has or makes, or None."""
        file = self.folder / "html" / f"{_file_name(arxiv_id)}.html"
        if file.exists():
            return file.read_text(encoding="utf-8")
        paper = self.paper(arxiv_id)
        if paper is None or paper.layout == "broken" or arxiv_id in WITHOUT_HTML:
            return None
        return None if self._is_withdrawn(arxiv_id, now) else page(paper)

    def picture(self, arxiv_id: str, name: str) -> bytes | None:
        """A picture in a paper's HTML as a PNG, or None."""
        paper = self.paper(arxiv_id)
        caption = pictures(paper).get(name) if paper else None
        with MUPDF:
            return picture(caption, WIDTH, HEIGHT) if caption else None

    def paper(self, arxiv_id: str) -> SamplePaper | None:
        """The contents of a paper made from `papers/<id>.yaml`, or None."""
        path = self.folder / "papers" / f"{_file_name(arxiv_id)}.yaml"
        if not path.exists():
            return None
        source = _source(path)
        listings = self._listings(arxiv_id)
        listing = listings[0] if listings else {}
        return SamplePaper(
            arxiv_id=arxiv_id,
            layout=source["layout"],
            title=source["title"],
            authors=tuple(Author(**author) for author in source["authors"]),
            institutions=tuple(
                Institution(**institution) for institution in source["institutions"]
            ),
            sections=tuple(Section(**section) for section in source["sections"]),
            figures=tuple(SampleFigure(**figure) for figure in source["figures"]),
            abstract=" ".join(str(listing.get("summary", "")).split()),
            published=date.fromisoformat(str(listing.get("publishedAt", "2026-01-01"))[:10]),
            references=self._references(arxiv_id),
        )

    def _own_pdf(self, arxiv_id: str) -> bytes | None:
        """The PDF that the folder has or makes, withdrawn or not."""
        file = self.folder / "pdf" / f"{_file_name(arxiv_id)}.pdf"
        if file.exists():
            return file.read_bytes()
        paper = self.paper(arxiv_id)
        if paper is None:
            return None
        if paper.layout == "broken":
            return GARBAGE
        with MUPDF:
            return typeset(_with_readable_math(paper))

    def _ids_with_pdf(self) -> list[str]:
        """The ids of the folder's papers that have a PDF, in order."""
        ids = {path.stem for path in (self.folder / "pdf").glob("*.pdf")}
        for path in self._sources():
            if _source(path)["layout"] != "broken":
                ids.add(path.stem)
        return sorted(ids)

    def _sources(self) -> list[Path]:
        return sorted((self.folder / "papers").glob("*.yaml"))

    def _listings(self, arxiv_id: str) -> list[dict[str, Any]]:
        """The paper as each list of the folder gives it, a day's later lists last."""
        listings = []
        for path in sorted((self.folder / "hf_api").glob("*.json")):
            papers = _listed_papers(path)
            if arxiv_id in papers:
                listings.append(papers[arxiv_id])
        return listings

    def _is_withdrawn(self, arxiv_id: str, now: datetime) -> bool:
        for listing in self._listings(arxiv_id):
            withdrawn_at = listing.get("withdrawnAt")
            if withdrawn_at and datetime.fromisoformat(withdrawn_at) <= now:
                return True
        return False

    def _references(self, arxiv_id: str) -> tuple[str, ...]:
        """Some of the folder's other papers, as a bibliography prints them."""
        own_name = _file_name(arxiv_id)
        others = [path for path in self._sources() if path.stem != own_name]
        others.sort(key=lambda path: hashlib.sha256(f"{arxiv_id} {path.stem}".encode()).digest())
        return tuple(_reference(path) for path in others[:MOST_REFERENCES])


def _source(path: Path) -> dict[str, Any]:
    """The contents of `papers/<id>.yaml`."""
    return _read_source(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=256)
def _read_source(path: Path, _mtime_ns: int) -> dict[str, Any]:
    source: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return source


def _listed_papers(path: Path) -> dict[str, dict[str, Any]]:
    """The papers of a list by id; empty if the list is broken, as in some tests."""
    return _read_list(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=4096)
def _read_list(path: Path, _mtime_ns: int) -> dict[str, dict[str, Any]]:
    papers = {}
    try:
        for entry in json.loads(path.read_text(encoding="utf-8")):
            paper = entry["paper"]
            papers[paper["id"]] = {key: paper[key] for key in LISTED_KEYS if key in paper}
    except (ValueError, TypeError, KeyError):
        return {}
    return papers


def _reference(path: Path) -> str:
    source = _source(path)
    names = [author["name"] for author in source["authors"]]
    shown = names[:MOST_REFERENCE_AUTHORS]
    if len(names) > MOST_REFERENCE_AUTHORS:
        shown.append("et al.")
    return f"{', '.join(shown)} {source['title']}. arXiv preprint arXiv:{path.stem}, 2026."


def _with_readable_math(paper: SamplePaper) -> SamplePaper:
    """The paper with the abstract's formulas as they read in the text of a PDF."""
    abstract = re.sub(r"\$([^$]+)\$", lambda formula: readable_math(formula[1]), paper.abstract)
    return replace(paper, abstract=abstract)


def _file_name(arxiv_id: str) -> str:
    return arxiv_id.replace("/", "_")


def routes(world: World) -> list[Route]:
    """The routes of arXiv."""

    async def pdf(request: Request) -> Response:
        name = request.path_params["name"]
        arxiv_id = _first_version_id(name)
        if arxiv_id is None:
            return _error_page("bad identifier", name)
        world.asked[f"pdf {arxiv_id}"] += 1
        documents = Documents(world.folder, world.substitute_pdfs)
        try:
            body = await run_in_threadpool(documents.pdf, arxiv_id, world.time())
        except Withdrawn:
            title = f"File unavailable for {arxiv_id}"
            return _error_page(title, "This paper has been withdrawn by its authors.")
        if not body:
            return _error_page("Not found", f"There is no paper {arxiv_id}.")
        return Response(body, media_type="application/pdf")

    async def html(request: Request) -> Response:
        name, _, file = request.path_params["name"].partition("v1/")
        arxiv_id = _first_version_id(name)
        if arxiv_id is None:
            return _error_page("bad identifier", name)
        world.asked[f"{'figure' if file else 'html'} {arxiv_id}"] += 1
        documents = Documents(world.folder)
        if file:
            png = await run_in_threadpool(documents.picture, arxiv_id, file)
            return Response(png, media_type="image/png") if png else _error_page("Not found", file)
        content = await run_in_threadpool(documents.html, arxiv_id, world.time())
        if not content:
            title = f"No HTML for '{arxiv_id}'"
            return _error_page(title, "There is no HTML of the source.")
        return HTMLResponse(content)

    return [Route("/pdf/{name:path}", pdf), Route("/html/{name:path}", html)]


def _first_version_id(name: str) -> str | None:
    """The id, without its version, that a path names; None for another version or no id.

    A sample paper has only a first version.
    """
    found = ARXIV_ID.fullmatch(name.removesuffix("/"))
    if not found:
        return None
    arxiv_id = found[0].removesuffix("v1")
    has_other_version = "v" in arxiv_id.rpartition("/")[2]
    return None if has_other_version else arxiv_id


def _error_page(title: str, text: str) -> Response:
    content = f"<title>{escape(title)}</title>\n<h1>{escape(title)}</h1>\n<p>{escape(text)}</p>"
    return HTMLResponse(f'<!DOCTYPE html>\n<html lang="en">\n{content}\n</html>\n', 404)
