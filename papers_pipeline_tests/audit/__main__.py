"""Judges the published pages by Lighthouse and the Nu HTML checker. `make audit` runs it.

Builds a month of generated days, one with fifty papers, and serves it compressed, as a file server
would. Prints every failing audit and every message of the checker. The exit status is 1 if there is
one that `KNOWN` does not explain.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from benchmarks.generated import LANGUAGES, issues
from benchmarks.whole_site import Writers
from papers_pipeline.records import DailyIssue

HERE = Path(__file__).parent
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
LEAST = 95
DAYS, PAPERS, MANY = 20, 14, 50
CHROME_FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking"
)
KNOWN = {
    "render-blocking-insight": (
        "one small stylesheet and one small script: the page is drawn once, in its theme"
    ),
    "network-dependency-tree-insight": "the whole chain is the page's stylesheet and script",
}
"""Failing audits that stay, and why."""
UNTRUE = (
    "Resource violates Content Security Policy",
    "Inline script violates Content Security Policy",
)
"""False alarms: the checker reads files, which have no origin that could be 'self', and it takes
data blocks (JSON-LD) for scripts."""


def main() -> int:
    for program in ("node", "java"):
        if not shutil.which(program):
            sys.exit(f"{program} is not installed: the audit needs node and java")
    with TemporaryDirectory() as temporary, _free_socket() as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        site = build(Path(temporary), url)
        with serving(site, free):
            failed = []
            for page in one_of_each_kind(site / "ru"):
                failed += lighthouse(f"{url}/{page.relative_to(site)}")
            messages = checked(site)
        return 1 if [*failed, *messages] else 0


def build(folder: Path, url: str) -> Path:
    """The site of a month that is published at this address; every picture is one of its own."""
    writers = Writers(folder, site_url=url, image_sources=(url,))
    built = [*issues(DAYS - 1, PAPERS)]
    last = list(issues(DAYS, MANY))[-1]
    writers.write([_pictured(issue, url) for issue in [*built, last]])
    return writers.folder


def _pictured(issue: DailyIssue, url: str) -> DailyIssue:
    papers = [
        paper.model_copy(
            update={
                "thumbnail": f"{url}/picture.png",
                "figures": [
                    figure.model_copy(update={"url": f"{url}/picture.png"})
                    for figure in paper.figures
                ],
            }
        )
        for paper in issue.papers
    ]
    return issue.model_copy(update={"papers": papers})


def one_of_each_kind(folder: Path) -> list[Path]:
    """The pages of a language that are one of a kind, and the last page of each folder."""
    pages = sorted(folder.glob("*.html"))
    for kind in sorted(path for path in folder.iterdir() if path.is_dir()):
        pages.append(kind / newest(kind))
    return pages


def newest(folder: Path) -> str:
    """The name of the last page of a folder."""
    return sorted(path.name for path in folder.glob("*.html"))[-1]


def lighthouse(url: str) -> list[str]:
    """Run Lighthouse as for a phone; prints scores and failing audits, returns the unknown ones."""
    chrome = next(
        path for path in ("/usr/bin/chromium", "/usr/bin/google-chrome") if Path(path).exists()
    )
    command = [
        *(HERE / "node_modules" / ".bin" / "lighthouse", url, "--quiet", "--output=json"),
        *(f"--only-categories={','.join(CATEGORIES)}", f"--chrome-flags={CHROME_FLAGS}"),
    ]
    environment = {**os.environ, "CHROME_PATH": chrome}
    told = subprocess.run(
        command, capture_output=True, text=True, check=True, env=environment
    ).stdout
    report = json.loads(told)
    scores = {name: round(100 * report["categories"][name]["score"]) for name in CATEGORIES}
    print(url, scores)
    failing = [audit for audit in report["audits"].values() if _fails(audit)]
    for audit in failing:
        known = KNOWN.get(audit["id"])
        print(
            f"  {audit['id']}: {audit['title']} {audit.get('displayValue', '')}",
            f"(known: {known})" if known else "",
        )
        for item in audit.get("details", {}).get("items", [])[:3] if not known else ():
            print(f"    {item.get('node', {}).get('snippet') or item}")
    low = [f"{name} {score}" for name, score in scores.items() if score < LEAST]
    return low + [audit["id"] for audit in failing if audit["id"] not in KNOWN]


def _fails(audit: dict[str, Any]) -> bool:
    """Whether an audit fails. Timings do not count here: the score does, and `LEAST` judges it."""
    return audit["scoreDisplayMode"] in ("binary", "metricSavings") and (audit["score"] or 0) < 0.9


def checked(site: Path) -> list[str]:
    """The messages of the Nu HTML checker on a page of every kind and language."""
    pages = [site / "index.html", *site.glob("404.html")]
    for language in LANGUAGES:
        pages += site.glob(f"{language}/*.html")
        for folder in (site / language).iterdir():
            if folder.is_dir():
                pages.append(min(folder.glob("*.html")))
        pages.append(site / language / "d" / newest(site / language / "d"))
    jar = HERE / "node_modules" / "vnu-jar" / "build" / "dist" / "vnu.jar"
    command = [
        "java",
        "-jar",
        jar,
        "--format",
        "gnu",
        "--exit-zero-always",
        *pages,
    ]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    messages = [
        line.replace(f'"file:{site}/', "")
        for line in told.splitlines()
        if line and not any(piece in line for piece in UNTRUE)
    ]
    print(f"{len(pages)} pages before the HTML checker: {len(messages)} messages")
    print("\n".join(f"  {line}" for line in messages[:40]))
    return messages


@contextmanager
def _free_socket() -> Iterator[socket.socket]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        yield free


class Cached(StaticFiles):
    """What pages load beside them, with the lifetime that `deploy/nginx.conf` gives it."""

    def file_response(self, *arguments: Any, **options: Any) -> Response:
        response = super().file_response(*arguments, **options)
        response.headers["Cache-Control"] = "max-age=2592000"
        return response


@contextmanager
def serving(site: Path, at: socket.socket) -> Iterator[None]:
    """The site on loopback, compressed, with a picture for every paper."""
    picture = (HERE / "picture.png").read_bytes()

    def show(_: Request) -> Response:
        return Response(
            picture, media_type="image/png", headers={"Cache-Control": "max-age=2592000"}
        )

    app = Starlette(
        routes=[
            Route("/picture.png", show),
            Mount("/static", Cached(directory=site / "static")),
            Mount("/", StaticFiles(directory=site, html=True)),
        ],
        middleware=[Middleware(GZipMiddleware)],
    )
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [at]})
    thread.start()
    while not server.started:
        time.sleep(0.05)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


if __name__ == "__main__":
    sys.exit(main())
