"""Build prompts, models, stores, site and clients from the settings, for Dagster and the CLI."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from functools import cache, partial
from pathlib import Path

from upath import UPath

from papers_pipeline.base.clock import Clock
from papers_pipeline.base.errors import OperatorError
from papers_pipeline.base.http import session
from papers_pipeline.coordination.files import FileCoordination
from papers_pipeline.coordination.interface import Coordination
from papers_pipeline.delivery.apprise import Chats
from papers_pipeline.delivery.channel import Channel
from papers_pipeline.delivery.courier import Courier, Policy
from papers_pipeline.delivery.email import Email, MailServer, mail_server
from papers_pipeline.delivery.telegram import Telegram
from papers_pipeline.documents.arxiv import ArxivClient
from papers_pipeline.documents.fetch import Documents
from papers_pipeline.documents.pool import Workers
from papers_pipeline.enrichment.plan import Planner
from papers_pipeline.enrichment.stage import AnyStage
from papers_pipeline.enrichment.stages import load_stages
from papers_pipeline.listing.feed import LONGEST_LIST_SECONDS, FeedClient
from papers_pipeline.llm.models import Models
from papers_pipeline.prompts.prompt import Prompts, load_prompts
from papers_pipeline.settings import Settings
from papers_pipeline.site.render import Renderer
from papers_pipeline.site.version import PACKAGE
from papers_pipeline.site.writer import Site
from papers_pipeline.store import files as storage
from papers_pipeline.store.lake import Lake
from papers_pipeline.store.ledger import FileLedger
from papers_pipeline.store.limits import Rate
from papers_pipeline.store.purchases import EARLIER, Purchases, adopt
from papers_pipeline.text.locales import load_locales

WORKERS = Workers()
"""The worker processes of this process. Whoever builds several days enters them around all."""
HF_WINDOW_SECONDS = 300
HF_REQUESTS, HF_REQUESTS_WITH_TOKEN = 500, 1000
"""Hugging Face's limits per five minutes: https://huggingface.co/docs/hub/rate-limits."""
COPIES = "copies"
"""The folder of DAGSTER_HOME with copies of files on a bucket. It can be deleted at any time."""
ARXIV_BURST_SECONDS = 2
"""arXiv asks for bursts with a second's pause: https://info.arxiv.org/help/bulk_data.html."""

_one_at_a_time = threading.Lock()


def prompts_of(settings: Settings) -> Prompts:
    """The prompts in force."""
    return load_prompts(
        settings.prompts_dir,
        settings.languages,
        settings.model,
        notes_top=settings.notes_top,
    )


def stages_of(settings: Settings) -> dict[str, AnyStage]:
    """The stages of these settings' prompts, by asset."""
    return load_stages(prompts_of(settings))


def renderer_of(settings: Settings) -> Renderer:
    """What makes the site's pages, in every language with a prompt."""
    languages = prompts_of(settings).languages
    return Renderer(
        languages,
        load_locales(PACKAGE / "locales", languages),
        settings.site_url,
        follow=settings.follow,
        ask=settings.ask,
    )


def site_of(settings: Settings) -> Site:
    """The site below the data folder."""
    return Site(settings.data / "site", renderer_of(settings), coordination_of(settings).check)


def coordination_of(settings: Settings) -> Coordination:
    """The locks, limits and the ledger that all processes of this deployment share."""
    if settings.coordination_url:
        with _one_at_a_time:  # `cache` lets threads that ask at once make one each
            return _in_postgres(settings.coordination_url.get_secret_value())
    return FileCoordination(settings.home, _appended_to(settings) / "ledger")


def logs_of(settings: Settings) -> Path:
    """The folder of the runs' logs, one below it for each day."""
    return _appended_to(settings) / "logs"


def _appended_to(settings: Settings) -> Path:
    """The parent of files that grow. On a bucket nothing can: they stay on this machine then."""
    return Path(settings.data.path) if storage.is_local(settings.data) else settings.home


def viewed(settings: Settings) -> AbstractContextManager[None]:
    """Ask the bucket that holds the data little until the end (`store/files.py`)."""
    return storage.viewed(settings.data, settings.home / COPIES)


@cache
def _in_postgres(url: str) -> Coordination:
    """The coordination of this process: to the server, a process is one session."""
    if not url.startswith(("postgresql://", "postgres://")):
        raise OperatorError("PAPERS_COORDINATION_URL must start with postgresql://")
    try:
        from papers_pipeline.coordination.postgres.coordination import PostgresCoordination
    except ImportError:
        raise OperatorError(
            "PAPERS_COORDINATION_URL needs psycopg: "
            "install the extra `several` (pip install 'papers_pipeline[several]')"
        ) from None
    return PostgresCoordination(url)


def lake_of(settings: Settings) -> Lake:
    """The stored tables."""
    return Lake(settings.data / "lake")


def purchases_of(settings: Settings, clock: Clock) -> Purchases:
    """Answers, fetched documents and final failures. Those of earlier releases are moved here."""
    root, earlier = settings.data / "purchases", settings.data / EARLIER
    coordination = coordination_of(settings)
    if storage.listing(earlier):
        with coordination.held("purchases"):
            adopt(earlier, root)
    return Purchases(root, coordination, clock)


def models_of(settings: Settings, clock: Clock) -> Models:
    """The models behind the configured providers."""
    return Models(
        settings.access,
        data=settings.data,
        coordination=coordination_of(settings),
        purchases=purchases_of(settings, clock),
        clock=clock,
        concurrency=settings.llm_concurrency,
        rates=settings.llm_rates,
        requests_per_minute=settings.llm_requests_per_minute,
        daily_budget_usd=settings.daily_budget_usd,
        assumed_price=settings.assume_price_usd,
    )


def kept_folders(settings: Settings, clock: Clock) -> dict[str, UPath]:
    """The folders with what cannot be had again, by their names in a backup."""
    folders = {name: settings.data / name for name in ("purchases", "lake", "batches")}
    ledger = coordination_of(settings).ledger
    if isinstance(ledger, FileLedger):  # a table is in the database's own backup
        folders["ledger"] = UPath(ledger.folder)
    return folders


def planner_of(settings: Settings, clock: Clock) -> Planner:
    """The planner, which compares stored rows with the prompts in force."""
    stages = stages_of(settings)
    models = models_of(settings, clock)
    available = {asset: models.configured(stage.prompt) for asset, stage in stages.items()}
    return Planner(
        lake_of(settings),
        models.purchases,
        models.ledger,
        stages,
        available,
        models.batches.store,
        settings.assume_price_usd,
    )


@contextmanager
def documents_of(settings: Settings, clock: Clock) -> Iterator[Documents]:
    """Access to PDFs and HTML on arXiv; closed at the end."""
    requests = max(1, round(settings.arxiv_requests_per_second * ARXIV_BURST_SECONDS))
    limit = coordination_of(settings).limit("arxiv", Rate(requests), ARXIV_BURST_SECONDS)
    with session(settings.contact, retries=0) as http, WORKERS:
        yield Documents(
            ArxivClient(settings.arxiv_endpoint, http, limit),
            data=settings.data,
            purchases=purchases_of(settings, clock),
            clock=clock,
            keep=timedelta(days=settings.pdf_keep_days),
            workers=WORKERS,
        )


@contextmanager
def feed_client_of(settings: Settings) -> Iterator[FeedClient]:
    """A client for the Hugging Face list; closed at the end."""
    token = settings.hf_token.get_secret_value() if settings.hf_token else None
    requests = HF_REQUESTS_WITH_TOKEN if token else HF_REQUESTS
    limit = coordination_of(settings).limit("huggingface", Rate(requests), HF_WINDOW_SECONDS)
    with session(settings.contact, longest_exchange=LONGEST_LIST_SECONDS) as http:
        yield FeedClient(settings.hf_endpoint, http, limit, token)


def channels_of(settings: Settings, clock: Clock) -> list[Channel]:
    """The channels that are configured. Raises OperatorError if one is configured in part."""
    channels: list[Channel] = []
    if settings.telegram_chats:
        if not settings.telegram_token:
            raise OperatorError("PAPERS_TELEGRAM_CHATS needs PAPERS_TELEGRAM_TOKEN")
        token = settings.telegram_token.get_secret_value()
        channels.append(
            Telegram(settings.telegram_endpoint, token, settings.telegram_chats, settings.contact)
        )
    if settings.email_lists:
        url = settings.mail_url
        if not url:
            raise OperatorError(
                "PAPERS_EMAIL_LISTS needs PAPERS_EMAIL_SERVER, or a mail address in "
                "PAPERS_ALARM_URLS"
            )
        channels.append(
            Email(_server_of(url), settings.email_lists, settings.email_unsubscribe, clock)
        )
    if settings.chats:
        channels.append(Chats(settings.chats))
    languages = prompts_of(settings).languages if channels else ()
    for channel in channels:
        for language in channel.languages:
            if language not in languages:
                raise OperatorError(
                    f"the channel {channel.name} names {language}, which is no language of the "
                    f"site: {', '.join(languages)}"
                )
    return channels


def _server_of(url: str) -> Callable[[], MailServer]:
    """The server when it is needed: apprise takes a third of a second to load."""
    return cache(partial(mail_server, url))


def courier_of(settings: Settings, clock: Clock) -> Courier:
    """Who delivers days over the channels."""
    renderer = renderer_of(settings)
    return Courier(
        renderer.locales,
        renderer.site_url,
        Policy(settings.deliver_days, settings.deliver_hour),
        lake_of(settings),
        clock,
        coordination_of(settings).check,
    )
