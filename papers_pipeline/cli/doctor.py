"""Checks what is configured and what can be reached: `papers doctor`. Secrets are never printed."""

import asyncio
import os
from dataclasses import dataclass
from typing import Literal

from upath import UPath

from papers_pipeline.base import loop
from papers_pipeline.base.clock import Clock
from papers_pipeline.base.errors import OperatorError
from papers_pipeline.base.http import session
from papers_pipeline.base.model_providers import PROVIDERS
from papers_pipeline.listing.feed import LONGEST_LIST_SECONDS, FeedClient, FeedError
from papers_pipeline.prompts.model_names import split_name
from papers_pipeline.settings import Settings
from papers_pipeline.store import files as storage
from papers_pipeline.wiring import coordination_of, models_of, prompts_of

PROBE = "doctor.txt"
"""The file that is written to a bucket and deleted again."""


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    state: Literal["ok", "unset", "wrong"]
    subject: str
    detail: str


def examine(settings: Settings, clock: Clock) -> list[Finding]:
    """The findings about the data folder, the coordination, Hugging Face's list of today, and every
    model of every prompt."""
    data, coordination = _data(settings), _coordination(settings)
    findings = [data, coordination, _list(settings, clock)]
    if coordination.state == "wrong":
        detail = "not asked: each question takes a place in the limits and a line of the ledger"
        return [*findings, Finding("unset", "models", detail)]
    if data.state == "wrong" and not storage.is_local(settings.data):
        return [*findings, Finding("unset", "models", "not asked: the bucket cannot be read")]
    return [*findings, *_models(settings, clock)]


def _data(settings: Settings) -> Finding:
    folder = settings.data
    if not storage.is_local(folder):
        return _bucket(folder)
    parent = _nearest_existing(folder)
    if parent.is_dir() and os.access(parent.path, os.W_OK):
        return Finding("ok", "PAPERS_DATA_DIR", str(folder))
    fault = f"{parent} is not writable: change its owner, or set another folder"
    return Finding("wrong", "PAPERS_DATA_DIR", fault)


def _bucket(folder: UPath) -> Finding:
    probe = folder / PROBE
    try:
        storage.write(probe, b"papers doctor\n")
        storage.delete(probe)
    except (OperatorError, OSError) as error:
        return Finding("wrong", "PAPERS_DATA_DIR", str(error))
    return Finding("ok", "PAPERS_DATA_DIR", f"{folder} can be written to")


def _coordination(settings: Settings) -> Finding:
    try:
        answer = coordination_of(settings).examine()
    except OperatorError as error:
        return Finding("wrong", "PAPERS_COORDINATION_URL", str(error))
    if not settings.coordination_url and not storage.is_local(settings.data):
        detail = f"{answer}: no other machine may build into {settings.data}"
        return Finding("unset", "PAPERS_COORDINATION_URL", detail)
    return Finding("ok", "PAPERS_COORDINATION_URL", answer)


def _nearest_existing(folder: UPath) -> UPath:
    """The folder itself, or else the lowest folder above it that exists."""
    for path in (folder, *folder.parents):
        if path.exists():
            return path
    return folder


def _list(settings: Settings, clock: Clock) -> Finding:
    token = settings.hf_token.get_secret_value() if settings.hf_token else None
    with session(settings.contact, retries=0, longest_exchange=LONGEST_LIST_SECONDS) as http:
        client = FeedClient(settings.hf_endpoint, http, token=token)
        try:
            pages = client.fetch(clock.today())
        except FeedError as error:
            return Finding("wrong", "HF_ENDPOINT", str(error))
    with_token = "with HF_TOKEN" if token else "without HF_TOKEN"
    answer = f"{settings.hf_endpoint} answers {with_token} ({len(pages)} page today)"
    return Finding("ok", "HF_ENDPOINT", answer)


def _models(settings: Settings, clock: Clock) -> list[Finding]:
    """Findings about every model that can be asked, every other configured provider, and the
    providers that are not configured."""
    provider_of: dict[str, str] = {}
    for prompt in prompts_of(settings).every:
        for model in prompt.models:
            provider_of[model] = split_name(model)[0]
    access = settings.access
    models = []
    for model, provider in provider_of.items():
        if access[provider].is_configured:
            models.append(model)
    unused, unset = [], []
    for name in PROVIDERS:
        if not access[name].is_configured:
            unset.append(name)
        elif name not in provider_of.values():
            unused.append(name)
    findings = loop.run(_ask_all(settings, clock, models, unused))
    if not models:
        detail = "no model of a prompt can be asked: texts and topics stay pending"
        findings.append(Finding("unset", "models", detail))
    if unset:
        detail = f"{', '.join(unset)}: neither key nor base URL is set"
        findings.append(Finding("unset", "providers", detail))
    return findings


async def _ask_all(
    settings: Settings, clock: Clock, models: list[str], unused: list[str]
) -> list[Finding]:
    """Ask every model one question, and every provider that no prompt names for its models."""
    asked = models_of(settings, clock)
    model_faults = await asyncio.gather(*(asked.examine(model) for model in models))
    provider_faults = await asyncio.gather(*(asked.why_unreachable(name) for name in unused))
    findings = []
    for model, fault in zip(models, model_faults, strict=True):
        answer = f"is listed and answers at {_url(split_name(model)[0], settings)}"
        findings.append(_finding(model, fault, answer))
    for name, fault in zip(unused, provider_faults, strict=True):
        answer = f"answers at {_url(name, settings)}, but no prompt names one of its models"
        findings.append(_finding(name, fault, answer))
    return findings


def _finding(subject: str, fault: str | None, answer: str) -> Finding:
    return Finding("wrong", subject, fault) if fault else Finding("ok", subject, answer)


def _url(provider: str, settings: Settings) -> str:
    access = settings.access[provider]
    return access.base_url or PROVIDERS[provider].official_url or "the official endpoint"
