"""What the settings name, made: prompts, models, cache, site and clients, for Dagster's resources and the terminal."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from papers_pipeline.base.clock import Clock
from papers_pipeline.base.http import session
from papers_pipeline.documents.arxiv import ArxivClient
from papers_pipeline.documents.fetch import Documents
from papers_pipeline.enrichment.plan import Planner
from papers_pipeline.enrichment.tasks import tasks_of
from papers_pipeline.listing.feed import FeedClient
from papers_pipeline.llm.chain import Models
from papers_pipeline.prompts.prompt import Prompts, load_prompts
from papers_pipeline.settings import Settings
from papers_pipeline.site.render import Renderer
from papers_pipeline.site.version import PACKAGE
from papers_pipeline.site.writer import Site
from papers_pipeline.store.cache import Cache
from papers_pipeline.store.lake import Lake
from papers_pipeline.store.limits import SharedLimit
from papers_pipeline.text.locales import load_locales

HF_WINDOW_SECONDS = 300
HF_REQUESTS, HF_REQUESTS_WITH_TOKEN = 500, 1000
"""Hugging Face's limits in five minutes: https://huggingface.co/docs/hub/rate-limits."""
ARXIV_BURST_SECONDS = 2
"""A burst of one second's requests, and a second's sleep: https://info.arxiv.org/help/bulk_data.html."""


def prompts_of(settings: Settings) -> Prompts:
    """The prompts that these settings name."""
    return load_prompts(settings.prompts_dir, settings.languages, settings.model)


def site_of(settings: Settings) -> Site:
    """The site that these settings name."""
    languages = prompts_of(settings).languages
    renderer = Renderer(languages, load_locales(PACKAGE / "locales", languages), settings.site_url)
    return Site(settings.data / "site", renderer)


def lake_of(settings: Settings) -> Lake:
    """The stored tables."""
    return Lake(settings.data / "lake")


def cache_of(settings: Settings, clock: Clock) -> Cache:
    """What was computed and paid for."""
    return Cache(settings.data / "cache", settings.home / "locks", clock)


def models_of(settings: Settings, clock: Clock) -> Models:
    """The models that these settings reach."""
    return Models(
        settings.access,
        data=settings.data,
        home=settings.home,
        cache=cache_of(settings, clock),
        clock=clock,
        concurrency=settings.llm_concurrency,
        requests_per_minute=settings.llm_requests_per_minute,
        daily_budget_usd=settings.daily_budget_usd,
        assumed_price=settings.assume_price_usd,
    )


def planner_of(settings: Settings, clock: Clock) -> Planner:
    """What compares stored rows with the prompts in force."""
    tasks = tasks_of(prompts_of(settings))
    models = models_of(settings, clock)
    available = {asset: models.configured(task.prompt) for asset, task in tasks.items()}
    return Planner(
        lake_of(settings), models.cache, models.ledger, tasks, available, settings.assume_price_usd
    )


@contextmanager
def documents_of(settings: Settings, clock: Clock) -> Iterator[Documents]:
    """The papers' own documents; the client is closed at the end."""
    requests = max(1, round(settings.arxiv_requests_per_second * ARXIV_BURST_SECONDS))
    limit = SharedLimit(settings.home / "limits", "arxiv", requests, ARXIV_BURST_SECONDS)
    with session(settings.contact, retries=0) as http:
        try:
            yield Documents(
                ArxivClient(settings.arxiv_endpoint, http, limit),
                data=settings.data,
                downloads=settings.home / "downloads",
                cache=cache_of(settings, clock),
                clock=clock,
                keep=timedelta(days=settings.pdf_keep_days),
            )
        finally:
            limit.close()


@contextmanager
def feed_client_of(settings: Settings) -> Iterator[FeedClient]:
    """A client of the list, closed at the end."""
    token = settings.hf_token.get_secret_value() if settings.hf_token else None
    requests = HF_REQUESTS_WITH_TOKEN if token else HF_REQUESTS
    limit = SharedLimit(settings.home / "limits", "huggingface", requests, HF_WINDOW_SECONDS)
    with session(settings.contact) as http:
        try:
            yield FeedClient(settings.hf_endpoint, http, limit, token)
        finally:
            limit.close()
