"""The sandbox's arXiv: `/pdf/<id>`, `/html/<id>` and the pictures of the HTML.

A paper is `pdf/<id>.pdf` of the sandbox's folder, or is made of `papers/<id>.yaml` there when it is first asked for. A
paper whose list says that it was withdrawn is answered as arXiv does: 404, with a page.
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

from papers_pipeline.documents.arxiv import ARXIV_ID, MUPDF
from papers_pipeline.sandbox.latexml import HEIGHT, WIDTH, page, pictures
from papers_pipeline.sandbox.typeset import (
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
"""What is served as the PDF of a `broken` paper."""
WITHOUT_HTML = frozenset({"2602.90057", "2602.90113"})
"""Sample papers whose conversion failed, as some of arXiv's do."""
MOST_REFERENCES = 6


class Withdrawn(LookupError):
    """The paper was withdrawn."""


@dataclass(frozen=True)
class Documents:
    """The documents of a folder. With ``substitute``, a PDF that lacks is another one, always the same for an id: of
    the folder's own, or of the sample papers when it has none."""

    folder: Path
    substitute: bool = False

    def pdf(self, arxiv_id: str, now: datetime) -> bytes | None:
        """The PDF of a paper at a time, or None. Raises Withdrawn."""
        if self._withdrawn(arxiv_id, now):
            raise Withdrawn(arxiv_id)
        if (found := self._own(arxiv_id)) is not None or not self.substitute:
            return found
        papers = self if self._whole() else Documents(SAMPLE)
        whole = papers._whole()
        return papers._own(
            whole[int(hashlib.sha256(arxiv_id.encode()).hexdigest(), 16) % len(whole)]
        )

    def html(self, arxiv_id: str, now: datetime) -> str | None:
        """The HTML of a paper that is made here, or None."""
        paper = self.paper(arxiv_id)
        lacks = paper is None or paper.layout == "broken" or arxiv_id in WITHOUT_HTML
        return None if lacks or paper is None or self._withdrawn(arxiv_id, now) else page(paper)

    def picture(self, arxiv_id: str, name: str) -> bytes | None:
        """A picture of a paper's HTML as a PNG, or None."""
        paper = self.paper(arxiv_id)
        caption = pictures(paper).get(name) if paper else None
        with MUPDF:
            return picture(caption, WIDTH, HEIGHT) if caption else None

    def paper(self, arxiv_id: str) -> SamplePaper | None:
        """What a paper is made of, or None."""
        source = self.folder / "papers" / f"{_file(arxiv_id)}.yaml"
        if not source.exists():
            return None
        written = _written(source, source.stat().st_mtime_ns)
        listed = self._listed(arxiv_id)
        return SamplePaper(
            arxiv_id=arxiv_id,
            layout=written["layout"],
            title=written["title"],
            authors=tuple(Author(**author) for author in written["authors"]),
            institutions=tuple(
                Institution(**institution) for institution in written["institutions"]
            ),
            sections=tuple(Section(**section) for section in written["sections"]),
            figures=tuple(SampleFigure(**figure) for figure in written["figures"]),
            abstract=" ".join(str(listed.get("summary", "")).split()),
            published=date.fromisoformat(str(listed.get("publishedAt", "2026-01-01"))[:10]),
            references=self._references(arxiv_id),
        )

    def _own(self, arxiv_id: str) -> bytes | None:
        file = self.folder / "pdf" / f"{_file(arxiv_id)}.pdf"
        if file.exists():
            return file.read_bytes()
        paper = self.paper(arxiv_id)
        if paper is None:
            return None
        if paper.layout == "broken":
            return GARBAGE
        with MUPDF:
            return typeset(_readable(paper))

    def _whole(self) -> list[str]:
        """The ids of the papers here that have a PDF."""
        files = {path.stem for path in (self.folder / "pdf").glob("*.pdf")}
        made = {
            path.stem
            for path in self._sources()
            if _written(path, path.stat().st_mtime_ns)["layout"] != "broken"
        }
        return sorted(files | made)

    def _sources(self) -> list[Path]:
        return sorted((self.folder / "papers").glob("*.yaml"))

    def _listings(self, arxiv_id: str) -> list[dict[str, Any]]:
        """The paper as each list of the folder gives it, later lists of a day last."""
        lists = (
            _papers(path, path.stat().st_mtime_ns)
            for path in sorted((self.folder / "hf_api").glob("*.json"))
        )
        return [papers[arxiv_id] for papers in lists if arxiv_id in papers]

    def _listed(self, arxiv_id: str) -> dict[str, Any]:
        return next(iter(self._listings(arxiv_id)), {})

    def _withdrawn(self, arxiv_id: str, now: datetime) -> bool:
        times = [
            paper["withdrawnAt"] for paper in self._listings(arxiv_id) if paper.get("withdrawnAt")
        ]
        return any(datetime.fromisoformat(time) <= now for time in times)

    def _references(self, arxiv_id: str) -> tuple[str, ...]:
        """Some of the other papers here, as a bibliography prints them."""
        others = [path for path in self._sources() if path.stem != _file(arxiv_id)]
        others.sort(key=lambda path: hashlib.sha256(f"{arxiv_id} {path.stem}".encode()).digest())
        return tuple(_reference(path) for path in others[:MOST_REFERENCES])


@lru_cache(maxsize=256)
def _written(path: Path, _changed: int) -> dict[str, Any]:
    written: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return written


@lru_cache(maxsize=4096)
def _papers(path: Path, _changed: int) -> dict[str, dict[str, Any]]:
    """What is needed here of the papers of a list, by their ids; none of a list that is made to be broken."""
    keys = ("summary", "publishedAt", "withdrawnAt")
    try:
        papers = [entry["paper"] for entry in json.loads(path.read_text(encoding="utf-8"))]
        return {paper["id"]: {key: paper[key] for key in keys if key in paper} for paper in papers}
    except (ValueError, TypeError, KeyError):
        return {}


def _reference(path: Path) -> str:
    written = _written(path, path.stat().st_mtime_ns)
    names = [author["name"] for author in written["authors"][:2]] + (
        ["et al."] if len(written["authors"]) > 2 else []
    )
    return f"{', '.join(names)} {written['title']}. arXiv preprint arXiv:{path.stem}, 2026."


def _readable(paper: SamplePaper) -> SamplePaper:
    """The paper with its formulas as a PDF's text has them."""
    abstract = re.sub(r"\$([^$]+)\$", lambda formula: readable_math(formula[1]), paper.abstract)
    return replace(paper, abstract=abstract)


def _file(arxiv_id: str) -> str:
    return arxiv_id.replace("/", "_")


def routes(world: World) -> list[Route]:
    """The routes of arXiv."""

    async def pdf(request: Request) -> Response:
        arxiv_id = _identity(request.path_params["name"])
        if arxiv_id is None:
            return _page(404, "bad identifier", request.path_params["name"])
        world.asked[f"pdf {arxiv_id}"] += 1
        documents = Documents(world.folder, world.substitute_pdfs)
        try:
            body = await run_in_threadpool(documents.pdf, arxiv_id, world.time())
        except Withdrawn:
            return _page(
                404,
                f"File unavailable for {arxiv_id}",
                "This paper has been withdrawn by its authors.",
            )
        if not body:
            return _page(404, "Not found", f"There is no paper {arxiv_id}.")
        return Response(body, media_type="application/pdf")

    async def html(request: Request) -> Response:
        name, _, file = request.path_params["name"].partition("v1/")
        arxiv_id = _identity(name)
        if arxiv_id is None:
            return _page(404, "bad identifier", name)
        world.asked[f"{'figure' if file else 'html'} {arxiv_id}"] += 1
        documents = Documents(world.folder)
        if file:
            drawn = await run_in_threadpool(documents.picture, arxiv_id, file)
            return (
                Response(drawn, media_type="image/png") if drawn else _page(404, "Not found", file)
            )
        made = await run_in_threadpool(documents.html, arxiv_id, world.time())
        return (
            HTMLResponse(made)
            if made
            else _page(404, f"No HTML for '{arxiv_id}'", "There is no HTML of the source.")
        )

    return [Route("/pdf/{name:path}", pdf), Route("/html/{name:path}", html)]


def _identity(name: str) -> str | None:
    """The id that a path names, without the only version there is; None for another version or no id."""
    found = ARXIV_ID.fullmatch(name.removesuffix("/"))
    bare = found[0].removesuffix("v1") if found else ""
    return bare if bare and "v" not in bare.rpartition("/")[2] else None


def _page(status: int, title: str, words: str) -> Response:
    content = f"<title>{escape(title)}</title>\n<h1>{escape(title)}</h1>\n<p>{escape(words)}</p>"
    return HTMLResponse(f'<!DOCTYPE html>\n<html lang="en">\n{content}\n</html>\n', status)
