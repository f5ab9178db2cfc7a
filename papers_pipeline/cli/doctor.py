"""What is set and what can be reached: `papers doctor`. No secret is ever printed."""

import asyncio
import os
from dataclasses import dataclass
from typing import Literal

from papers_pipeline.base.clock import Clock
from papers_pipeline.base.http import session
from papers_pipeline.listing.feed import FeedClient, FeedError
from papers_pipeline.prompts.model_names import split_name
from papers_pipeline.settings import Settings
from papers_pipeline.store.files import is_local
from papers_pipeline.wiring import models_of, prompts_of


@dataclass(frozen=True)
class Finding:
    """One line of the examination."""

    state: Literal["ok", "unset", "wrong"]
    subject: str
    detail: str


def examine(settings: Settings, clock: Clock) -> list[Finding]:
    """Data folder, Hugging Face's list of today, and every model of the prompts' chains."""
    return [_data(settings), _list(settings, clock), *_models(settings, clock)]


def _data(settings: Settings) -> Finding:
    folder = settings.data
    if not is_local(folder):
        return Finding("ok", "PAPERS_DATA_DIR", f"{folder} (a bucket; not tried)")
    parent = next(path for path in (folder, *folder.parents) if path.exists())
    if not (parent.is_dir() and os.access(parent.path, os.W_OK)):
        return Finding(
            "wrong",
            "PAPERS_DATA_DIR",
            f"{parent} cannot be written to: change its owner or name another",
        )
    return Finding("ok", "PAPERS_DATA_DIR", str(folder))


def _list(settings: Settings, clock: Clock) -> Finding:
    token = settings.hf_token.get_secret_value() if settings.hf_token else None
    with session(settings.contact, retries=0) as http:
        try:
            bodies = FeedClient(settings.hf_endpoint, http, token=token).fetch(clock.today())
        except FeedError as error:
            return Finding("wrong", "HF_ENDPOINT", str(error))
    with_token = "with HF_TOKEN" if token else "without HF_TOKEN"
    return Finding(
        "ok",
        "HF_ENDPOINT",
        f"{settings.hf_endpoint} answers {with_token} ({len(bodies)} page today)",
    )


def _models(settings: Settings, clock: Clock) -> list[Finding]:
    """Each model of each chain: whether its provider lists it, and whether it answers one tiny question."""
    findings = []
    for name, access in settings.access.items():
        if not access.is_configured:
            findings.append(
                Finding(
                    "unset",
                    name,
                    f"neither {name.upper()}_API_KEY nor {name.upper()}_BASE_URL is set",
                )
            )
    chains = {
        model: split_name(model)[0]
        for prompt in prompts_of(settings).every
        for model in prompt.models
    }
    asked = [model for model, provider in chains.items() if settings.access[provider].is_configured]
    if not asked:
        findings.append(
            Finding("unset", "models", "no provider is configured: texts and topics stay pending")
        )

    async def ask_all() -> list[str | None]:
        models = models_of(settings, clock)
        return await asyncio.gather(*(models.examine(model) for model in asked))

    for model, fault in zip(asked, asyncio.run(ask_all()), strict=True):
        url = settings.access[chains[model]].base_url or "the official endpoint"
        findings.append(
            Finding("wrong", model, fault)
            if fault
            else Finding("ok", model, f"is listed and answers at {url}")
        )
    return findings
