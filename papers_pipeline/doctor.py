"""What is set and what can be reached: `papers doctor`. No secret is ever printed."""

import os
from dataclasses import dataclass
from typing import Literal

from papers_pipeline.core.days import Clock
from papers_pipeline.core.feed import FeedClient, FeedError
from papers_pipeline.core.http import session
from papers_pipeline.core.storage import is_local
from papers_pipeline.settings import Settings


@dataclass(frozen=True)
class Finding:
    """One line of the examination."""

    state: Literal["ok", "unset", "wrong"]
    subject: str
    detail: str


def examine(settings: Settings, clock: Clock) -> list[Finding]:
    """Data folder, Hugging Face's list of today, and the providers of models."""
    return [_data(settings), _list(settings, clock), *_providers(settings)]


def _data(settings: Settings) -> Finding:
    folder = settings.data
    if not is_local(folder):
        return Finding("ok", "PAPERS_DATA_DIR", f"{folder} (a bucket; not tried)")
    parent = next(path for path in (folder, *folder.parents) if path.exists())
    if not (parent.is_dir() and os.access(parent.path, os.W_OK)):
        return Finding("wrong", "PAPERS_DATA_DIR", f"{parent} cannot be written to: change its owner or name another")
    return Finding("ok", "PAPERS_DATA_DIR", str(folder))


def _list(settings: Settings, clock: Clock) -> Finding:
    token = settings.hf_token.get_secret_value() if settings.hf_token else None
    with session(settings.contact, retries=0) as http:
        try:
            bodies = FeedClient(settings.hf_endpoint, http, token=token).fetch(clock.today())
        except FeedError as error:
            return Finding("wrong", "HF_ENDPOINT", str(error))
    with_token = "with HF_TOKEN" if token else "without HF_TOKEN"
    return Finding("ok", "HF_ENDPOINT", f"{settings.hf_endpoint} answers {with_token} ({len(bodies)} page today)")


def _providers(settings: Settings) -> list[Finding]:
    providers = {
        "OPENAI": (settings.openai_api_key, settings.openai_base_url),
        "MISTRAL": (settings.mistral_api_key, settings.mistral_base_url),
        "ANTHROPIC": (settings.anthropic_api_key, settings.anthropic_base_url),
    }
    findings = []
    for name, (key, url) in providers.items():
        if key or url:
            detail = f"{'key set' if key else 'no key'}, {url or 'the official endpoint'}"
            findings.append(Finding("ok", f"{name}_API_KEY", detail))
        else:
            findings.append(Finding("unset", f"{name}_API_KEY", "not set"))
    return findings
