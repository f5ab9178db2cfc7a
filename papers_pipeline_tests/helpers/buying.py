"""Buys answers about papers from the sandbox, by the packaged prompts."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from upath import UPath

from papers_pipeline.base import loop, model_providers
from papers_pipeline.base.clock import FixedClock
from papers_pipeline.base.per_paper import Counts, NullProgress
from papers_pipeline.coordination.files import FileCoordination
from papers_pipeline.enrichment.enrich import enrich
from papers_pipeline.enrichment.stages import load_stages
from papers_pipeline.llm.models import Models
from papers_pipeline.llm.providers import Access
from papers_pipeline.llm.spent import Spent
from papers_pipeline.prompts.prompt import Prompts, load_prompts
from papers_pipeline.records import Paper
from papers_pipeline.sandbox.providers import base_path
from papers_pipeline.store.ledger import FileLedger, Spending
from papers_pipeline.store.purchases import Purchase, Purchases
from papers_pipeline_tests.helpers.outside import LONG_AGO, PACKAGED_PROVIDERS, PROMPTS, Outside

PROVIDERS = ("openai", "mistral", "anthropic", "google")
"""One for each protocol."""
MODELS = {
    "google": "google:gemini-3.5-flash",
    "deepseek": "deepseek:deepseek-v4-flash",
    "qwen": "qwen:qwen3.5-plus",
    "openrouter": "openrouter:deepseek/deepseek-chat",
    "local": "local:qwen3:8b",
}
"""A model of each other provider."""


def listing_stages(prompts: Prompts) -> dict[str, Any]:
    """The stages that need only the list of papers, by asset."""
    stages = load_stages(prompts)
    return {asset: stage for asset, stage in stages.items() if stage.inputs == ("feed_listing",)}


STAGES = listing_stages(PROMPTS)
ABSTRACT = (
    "Whistling kettles warn too late, and a regressor predicts their boiling from the first minute "
    "of sound."
)
PAPERS = tuple(
    Paper(
        arxiv_id=f"2603.{number}",
        title=f"Kettle {number}",
        abstract=ABSTRACT,
        authors=[],
        first_seen_at=LONG_AGO,
    )
    for number in range(10001, 10011)
)
PAPER = PAPERS[0]


@dataclass
class Bought:
    """The result of a purchase."""

    rows: list[Any]
    counts: Counts
    spent: Spent

    @property
    def row(self) -> Any:
        return self.rows[0]


class Desk:
    """Buys from the sandbox, with purchases and a ledger of the test's own."""

    def __init__(self, outside: Outside, folder: Path) -> None:
        self.outside, self.folder, self.clock = outside, folder, FixedClock(LONG_AGO)
        self.coordination = FileCoordination(folder / "home", folder / "ledger")
        self.models = self.made()

    def made(
        self, *providers: str, key: str = "key", timeout_seconds: float = 20, **limits: int
    ) -> Models:
        """Models of these providers, by default those of the packaged chains.

        A single provider that is in no packaged chain becomes the only one of every prompt.
        """
        self.stages = STAGES
        if len(providers) == 1 and providers[0] in MODELS:
            self.stages = listing_stages(load_prompts(model=MODELS[providers[0]]))
        access = {name: Access() for name in model_providers.PROVIDERS}
        for name in providers or PACKAGED_PROVIDERS:
            access[name] = self.access(name, key)
        self.models = Models(
            access,
            data=UPath(self.folder),
            coordination=self.coordination,
            purchases=Purchases(UPath(self.folder) / "purchases", self.coordination, self.clock),
            clock=self.clock,
            timeout_seconds=timeout_seconds,
            backoff_seconds=0.01,
            **{"concurrency": 8, "requests_per_minute": 1000} | limits,
        )
        return self.models

    def access(self, name: str, key: str = "key") -> Access:
        """Access to the sandbox's provider of this name."""
        provider = model_providers.PROVIDERS[name]
        url = self.outside.url + base_path(provider)
        return Access(key if provider.key_variable else None, url)

    def buy(
        self, asset: str = "summaries_en", papers: Sequence[Paper] = (PAPER,), **more: Any
    ) -> Bought:
        with_models = {"models": self.models, "concurrency": 8, "progress": NullProgress()} | more
        return Bought(*loop.run(enrich(self.stages[asset], papers, **with_models)))

    def entries(self) -> list[Purchase]:
        return [
            Purchase.model_validate_json(path.read_bytes())
            for path in self.folder.glob("purchases/*/*/*.json")
        ]

    def attempts(self) -> list[dict[str, Any]]:
        (entry,) = self.entries()
        return entry.provenance["attempts"]

    def kept_attempts(self) -> list[dict[str, Any]]:
        return [json.loads(path.read_text()) for path in self.folder.glob("attempts/*/*.json")]

    def spendings(self) -> list[Spending]:
        return list(FileLedger(self.folder / "ledger").spent(LONG_AGO.date()))

    def ledger_lines(self) -> list[dict[str, Any]]:
        """Every line of the ledger, also those that a later one replaces."""
        path = self.folder / "ledger" / f"{LONG_AGO.date()}.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()]


def asked(outside: Outside) -> list[tuple[str, str]]:
    """Provider and outcome of every call, in order."""
    return [(call.provider, call.outcome) for call in outside.world.calls]
