"""The outside world of a test: Hugging Face, arXiv and three model providers on loopback."""

import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from papers_pipeline.base.model_providers import PROVIDERS
from papers_pipeline.enrichment.stages import load_stages
from papers_pipeline.prompts.prompt import load_prompts
from papers_pipeline.sandbox.notes import PARTS
from papers_pipeline.sandbox.providers import base_path
from papers_pipeline.sandbox.world import Call, World

LONG_AGO = datetime(2026, 3, 20, 12, 0, tzinfo=UTC)
"""The tests' present: after every day that they build, unless they say otherwise."""

PROMPTS = load_prompts()
LANGUAGES = PROMPTS.languages
FEED = ("feed_response", "feed_listing", "paper_votes")
SUMMARIES = tuple(prompt.asset for prompt in PROMPTS.summaries)
TRANSLATIONS = tuple(prompt.asset for prompt in PROMPTS.translations)
READING = ("reading_task", *TRANSLATIONS)
STAGES = load_stages(PROMPTS)
WRITTEN = tuple(
    asset
    for asset, stage in STAGES.items()
    if stage.inputs == ("feed_listing",) and not stage.one_a_day
)
"""The stages that ask about the title and abstract of every paper."""
READ = tuple(asset for asset, stage in STAGES.items() if "parsed_text" in stage.inputs)
"""The stages that ask about the text of every paper with a readable PDF."""

PACKAGED_PROVIDERS = ("openai", "mistral", "anthropic")
"""The providers in the chains of the packaged prompts."""


def entry(arxiv_id: str, **changes: Any) -> dict[str, Any]:
    """An entry of the list as the API returns it.

    `changes` replace keys of its paper; None removes one.
    """
    paper = {
        "id": arxiv_id,
        "authors": [{"_id": "0" * 24, "name": "Ada Example", "hidden": False}],
        "publishedAt": "2026-03-01T09:30:00.000Z",
        "submittedOnDailyAt": "2026-03-02T00:00:00.000Z",
        "title": f"A Study of {arxiv_id}",
        "summary": f"We study the number {arxiv_id} and find that it is a number.",
        "upvotes": 7,
        "discussionId": "1" * 24,
    }
    paper = {name: value for name, value in (paper | changes).items() if value is not None}
    return {
        "paper": paper,
        "publishedAt": "2026-03-01T09:30:00.000Z",
        "title": paper.get("title"),
        "thumbnail": f"https://cdn-thumbnails.huggingface.co/social-thumbnails/papers/{arxiv_id}.png",
        "numComments": 2,
        "isAuthorParticipating": False,
    }


def kettles(*numbers: int) -> list[dict[str, Any]]:
    """Entries of papers about kettles, by number."""
    return [
        entry(
            f"2603.{10000 + number}",
            title=f"Kettle {number}",
            summary=f"Kettle number {number} whistles late.",
        )
        for number in numbers
    ]


@dataclass
class Outside:
    """A running sandbox that serves the lists it is given."""

    world: World
    url: str

    def list(self, day: str, entries: list[dict[str, Any]]) -> None:
        """Make this the list of a day."""
        path = self.world.folder / "hf_api" / f"{day}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(entries), encoding="utf-8")

    def offer(
        self,
        monkeypatch: pytest.MonkeyPatch,
        *providers: str,
        key: str | None = "a-key-of-the-test",
    ) -> None:
        """Configure these providers, by default those of the packaged prompts.

        Without `key` they have a base URL only.
        """
        for name in providers or PACKAGED_PROVIDERS:
            provider = PROVIDERS[name]
            monkeypatch.setenv(provider.base_url_variable, self.url + base_path(provider))
            if key and provider.key_variable:
                monkeypatch.setenv(provider.key_variable, key)

    def calls(self) -> Counter[str]:
        """The model calls since the last look, by what they asked for."""
        asked = Counter(kind_of(call) for call in self.world.calls)
        self.world.calls.clear()
        return asked


def kind_of(call: Call) -> str:
    """The language of a summary, or the asset that the call was for."""
    for prompt in PROMPTS.others.values():
        if set(call.fields) == set(prompt.output):
            return prompt.asset
    if set(call.fields) == set(PARTS):
        return f"notes_{call.language}"
    if tuple(call.fields) == ("sentences", "meanings"):
        return f"reading_translation_{call.language}"
    return call.language


def calls_for(papers: int, tasks: int = 1) -> dict[str, int]:
    """How many calls of each kind write all texts of these numbers of papers and reading tasks."""
    texts = dict.fromkeys((*LANGUAGES, *(set(WRITTEN) - set(SUMMARIES))), papers)
    return texts | (dict.fromkeys(READING, tasks) if tasks else {})
