"""The outside world of a measurement: its latencies, its limits and its papers.

`COLD` is the scenario of a single day, `BULK` that of rows with thousands of model calls.
"""

import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import requests
import yaml

from benchmarks.generated import ANSWERS, weekdays
from papers_pipeline.base.model_providers import PROVIDERS
from papers_pipeline.prompts.prompt import load_prompts
from papers_pipeline.sandbox.documents import Documents
from papers_pipeline.sandbox.latexml import page
from papers_pipeline.sandbox.providers import base_path
from papers_pipeline.sandbox.world import SAMPLE
from papers_pipeline.settings import setting_names

ROOT = Path(__file__).parent.parent
NOW = datetime(2026, 3, 2, tzinfo=UTC)
SANDBOX_STARTS_WITHIN_SECONDS = 60
PAPERS_A_DAY_AT_MOST = 300
SENTENCES = 6


@dataclass(frozen=True)
class Scenario:
    """Latencies of the outside world in seconds, and the limits that the settings set.

    - `providers`: those that have a key. With one, its limit is the limit of all calls.
    """

    list_seconds: float = 0.3
    arxiv_seconds: float = 1.0
    model_seconds: float = 3.0
    arxiv_files_per_second: float = 4.0
    concurrency: int = 32
    requests_per_minute: int = 10_000
    providers: tuple[str, ...] = ("openai", "mistral", "anthropic")


COLD = Scenario()
BULK = Scenario(
    arxiv_seconds=0.05,
    model_seconds=0.05,
    arxiv_files_per_second=100.0,
    requests_per_minute=300,
    providers=("openai",),
)
"""Models answer at once and arXiv hardly limits, so that only the requests a minute do."""
UNLIMITED = replace(
    COLD,
    list_seconds=0.0,
    arxiv_seconds=0.0,
    model_seconds=0.0,
    arxiv_files_per_second=1000.0,
)
"""For preparing a data folder, in a row whose subject is what comes after."""


def calls_for(papers: int, days: int = 1) -> int:
    """The model calls of cold days, if every first answer is good.

    Each paper has a call per summary, for its topics and for its affiliations. Each day has a
    reading task and its translations.
    """
    prompts = load_prompts()
    of_a_day = 1 + len(prompts.translations)
    of_a_paper = len(prompts.summaries) + len(prompts.others) - 1
    return papers * of_a_paper + days * of_a_day


@dataclass(frozen=True)
class PaperWorld:
    """A folder for the sandbox: lists of consecutive weekdays, and a PDF and HTML of each paper."""

    folder: Path
    days: Sequence[date]
    papers: int

    @property
    def pdfs(self) -> list[Path]:
        return sorted((self.folder / "pdf").glob("*.pdf"))


def write_world(folder: Path, days: int, papers: int, pdfs: Path | None = None) -> PaperWorld:
    """Write a world of `papers` papers on `days` days. The same numbers give the same world.

    The PDFs are those of `pdfs` in turn, else typeset samples. A comment at the end of each makes
    the files of no two papers equal, because the pipeline parses equal files once. The HTML has no
    pictures: each paper's would be one more request.
    """
    for name in ("hf_api", "pdf", "html"):
        (folder / name).mkdir(parents=True)
    texts = [yaml.safe_load(path.read_text("utf-8"))["en"] for path in sorted(ANSWERS.glob("*"))]
    documents = [path.read_bytes() for path in sorted(pdfs.glob("*.pdf"))] if pdfs else _samples()
    if not documents:
        raise SystemExit(f"There is no PDF in {pdfs}")
    html = _sample_html()
    generator = random.Random(1)
    dates = weekdays(days)
    written = 0
    for number, day in enumerate(dates):
        last = papers * (number + 1) // days
        entries = []
        for place in range(last - written):
            arxiv_id = f"{day:%y%m}.{day.day * PAPERS_A_DAY_AT_MOST + place:05}"
            entries.append(_entry(generator, arxiv_id, day, texts))
            document = documents[(written + place) % len(documents)]
            (folder / "pdf" / f"{arxiv_id}.pdf").write_bytes(document + b"\n%" + arxiv_id.encode())
            (folder / "html" / f"{arxiv_id}.html").write_text(html, encoding="utf-8")
        (folder / "hf_api" / f"{day}.json").write_text(json.dumps(entries), encoding="utf-8")
        written = last
    return PaperWorld(folder, dates, papers)


def _samples() -> list[bytes]:
    """The PDFs of the sample papers, without those that are broken or print no institution."""
    documents = Documents(SAMPLE)
    found = []
    for source in sorted((SAMPLE / "papers").glob("*.yaml")):
        paper = documents.paper(source.stem)
        if paper and paper.layout != "broken" and paper.institutions:
            found.append(documents.pdf(source.stem, NOW) or b"")
    return found


def _sample_html() -> str:
    source = sorted((SAMPLE / "papers").glob("*.yaml"))[0]
    paper = Documents(SAMPLE).paper(source.stem)
    assert paper is not None
    return page(replace(paper, figures=()))


def _entry(
    generator: random.Random, arxiv_id: str, day: date, texts: Sequence[dict[str, str]]
) -> dict[str, Any]:
    """A paper as the list gives it, with the title and sentences of two sample papers."""
    text, other = generator.sample(list(texts), 2)
    sentences = f"{text['text']} {other['text']}".rstrip(".").split(". ")
    summary = ". ".join(generator.sample(sentences, min(SENTENCES, len(sentences)))) + "."
    title = f"{text['title']}, {arxiv_id.partition('.')[2]}"
    paper = {
        "id": arxiv_id,
        "authors": [{"_id": "0" * 24, "name": "Ada Example", "hidden": False}],
        "publishedAt": f"{day}T09:30:00.000Z",
        "submittedOnDailyAt": f"{day}T00:00:00.000Z",
        "title": title,
        "summary": summary,
        "upvotes": generator.randint(1, 150),
        "discussionId": "1" * 24,
    }
    thumbnail = f"https://cdn-thumbnails.huggingface.co/social-thumbnails/papers/{arxiv_id}.png"
    return {
        "paper": paper,
        "publishedAt": f"{day}T09:30:00.000Z",
        "title": title,
        "thumbnail": thumbnail,
        "numComments": 2,
        "isAuthorParticipating": False,
    }


def environment(home: Path, url: str, scenario: Scenario) -> dict[str, str]:
    """The environment of a process that works for `home` and asks the sandbox at `url`.

    Settings of the caller are left out.
    """
    kept = {name: value for name, value in os.environ.items() if name not in setting_names()}
    settings = {
        "PAPERS_DATA_DIR": str(home / "data"),
        "DAGSTER_HOME": str(home / "dagster"),
        "DG_CLI_TELEMETRY": "0",
        "HF_ENDPOINT": url,
        "ARXIV_ENDPOINT": url,
        "PAPERS_ARXIV_REQUESTS_PER_SECOND": str(scenario.arxiv_files_per_second),
        "PAPERS_LLM_CONCURRENCY": str(scenario.concurrency),
        "PAPERS_LLM_REQUESTS_PER_MINUTE": str(scenario.requests_per_minute),
    }
    for name in scenario.providers:
        provider = PROVIDERS[name]
        settings[provider.base_url_variable] = url + base_path(provider)
        settings[str(provider.key_variable)] = "key-of-the-sandbox"
    return kept | settings


def free_port() -> int:
    """A port on 127.0.0.1 that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def sandbox(world: PaperWorld, scenario: Scenario) -> Iterator[str]:
    """Serve the world in a process of its own and yield its URL."""
    port = free_port()
    command = [sys.executable, "-m", "papers_pipeline.sandbox", "--port", str(port)]
    command += ["--data", str(world.folder)]
    command += ["--list-seconds", str(scenario.list_seconds)]
    command += ["--arxiv-seconds", str(scenario.arxiv_seconds)]
    command += ["--model-seconds", str(scenario.model_seconds)]
    server = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(url)
        yield url
    finally:
        server.terminate()
        server.wait()


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + SANDBOX_STARTS_WITHIN_SECONDS
    while True:
        try:
            requests.get(f"{url}/_sandbox/state", timeout=10)
            return
        except requests.ConnectionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


@dataclass(frozen=True)
class Asked:
    """The requests that a sandbox received: model calls by arrival in seconds, and files."""

    calls: list[float]
    files: int


def asked(url: str) -> Asked:
    """What the sandbox received so far."""
    state = requests.get(f"{url}/_sandbox/state", timeout=60).json()
    calls = sorted(call["at"] for call in state["calls"])
    files = 0
    for request, times in state["asked"].items():
        if request.split(" ")[0] in ("pdf", "html", "figure"):
            files += times
    return Asked(calls, files)
