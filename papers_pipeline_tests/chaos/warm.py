"""Imported once by the process that all commands are copies of: what takes long to load.

Waits that would only make a test slow are shorter than in production.
"""

import os

os.environ.setdefault("DAGSTER_HOME", "/nonexistent")

import anthropic  # noqa: F401
import openai  # noqa: F401
import pydantic_ai  # noqa: F401

from papers_pipeline import wiring
from papers_pipeline.base import http
from papers_pipeline.documents import arxiv
from papers_pipeline.enrichment.institution_names import load_institution_names
from papers_pipeline.enrichment.reading import annotate
from papers_pipeline.listing import feed
from papers_pipeline.llm.models import Models
from papers_pipeline.site.drawing.cards import load_fonts
from papers_pipeline.text.languages import load_detector

BACKOFF_SECONDS = 0.02
LONGEST_ANSWER_SECONDS = 2.0

http.session.__kwdefaults__["backoff_seconds"] = BACKOFF_SECONDS
http.session.__kwdefaults__["longest_exchange"] = LONGEST_ANSWER_SECONDS
http.LONGEST_WAIT = 1
wiring.LONGEST_LIST_SECONDS = LONGEST_ANSWER_SECONDS  # type: ignore[attr-defined]
feed.TIMEOUT_SECONDS = LONGEST_ANSWER_SECONDS  # type: ignore[assignment]
arxiv.TIMEOUT_SECONDS = (LONGEST_ANSWER_SECONDS, LONGEST_ANSWER_SECONDS)  # type: ignore[assignment]
arxiv.ArxivClient.__init__.__kwdefaults__["backoff_seconds"] = BACKOFF_SECONDS
Models.__init__.__kwdefaults__["backoff_seconds"] = BACKOFF_SECONDS
Models.__init__.__kwdefaults__["timeout_seconds"] = LONGEST_ANSWER_SECONDS

load_detector()
load_fonts()
load_institution_names()
annotate(["我们今天学习。"])
