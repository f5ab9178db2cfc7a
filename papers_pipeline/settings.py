"""Every setting, read from the environment, else from `.env` in the working directory, else from a
file of its name in the folder of secrets.

An empty value counts as unset. `docs/configuration.md` explains each setting, and `.env.example`
lists the defaults.
"""

import os
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, get_args

from pydantic import Field, SecretStr, ValidationError, create_model, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from upath import UPath

from papers_pipeline.base.alarm import Alarm
from papers_pipeline.base.errors import OperatorError
from papers_pipeline.base.model_providers import PROVIDERS
from papers_pipeline.llm.providers import Access
from papers_pipeline.store.files import folder_at
from papers_pipeline.store.limits import Rate

SECRETS_DIR = "PAPERS_SECRETS_DIR"
MOST_REQUESTS_AT_ONCE = 1000
"""Each has a lock file of its own."""
MOST_DAYS = 36_500
OFF = "off"
ASK_LINKS = (
    "Claude=https://claude.ai/new?q={question},"
    "ChatGPT=https://chatgpt.com/?q={question},"
    "Perplexity=https://www.perplexity.ai/search?q={question}"
)
MOST_DAYS_LATE = 31
BY_LANGUAGE = re.compile(r"(?P<language>[a-z]{2,3}(-[A-Za-z]+)?)=(?P<value>\S+)")
LIMIT = re.compile(r"(?P<provider>\w+)=(?P<requests>[1-9]\d*)(/(?P<tokens>[1-9]\d*))?")


class SettingsError(OperatorError):
    """An unusable setting; the message names the variable, its value and what is wrong with it."""


def _setting(name: str, default: Any) -> Any:
    return Field(default=default, validation_alias=name)


def with_provider_variables(settings: type[BaseSettings]) -> type[BaseSettings]:
    """`settings` with a field for each key and base URL of the table of providers."""
    fields: dict[str, Any] = {}
    for provider in PROVIDERS.values():
        if provider.key_variable:
            field = _setting(provider.key_variable, None)
            fields[provider.key_variable.lower()] = (SecretStr | None, field)
        field = _setting(provider.base_url_variable, None)
        fields[provider.base_url_variable.lower()] = (str | None, field)
    return create_model(
        settings.__name__,
        __base__=settings,
        __doc__=settings.__doc__,
        __module__=__name__,
        **fields,
    )


@with_provider_variables
class Settings(BaseSettings):
    """One field per variable. Deployments rely on the names: add new ones, change none."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    data_dir: str = _setting("PAPERS_DATA_DIR", "data")
    site_url: str | None = _setting("PAPERS_SITE_URL", None)
    ask_links: str = _setting("PAPERS_ASK_LINKS", ASK_LINKS)
    telegram_link: str | None = _setting("PAPERS_TELEGRAM_LINK", None)
    email_link: str | None = _setting("PAPERS_EMAIL_LINK", None)
    publish_to: str | None = _setting("PAPERS_PUBLISH_TO", None)
    prompts_dir: Path | None = _setting("PAPERS_PROMPTS_DIR", None)
    languages: Annotated[tuple[str, ...], NoDecode] = _setting("PAPERS_LANGUAGES", ())
    model: str | None = _setting("PAPERS_MODEL", None)
    notes_top: int = Field(default=0, ge=0, validation_alias="PAPERS_NOTES_TOP")
    llm_concurrency: int = Field(
        default=32, ge=1, le=MOST_REQUESTS_AT_ONCE, validation_alias="PAPERS_LLM_CONCURRENCY"
    )
    llm_requests_per_minute: int | None = Field(
        default=None, ge=1, validation_alias="PAPERS_LLM_REQUESTS_PER_MINUTE"
    )
    llm_limits: Annotated[Mapping[str, Rate] | None, NoDecode] = _setting("PAPERS_LLM_LIMITS", None)
    arxiv_requests_per_second: float = Field(
        default=2.0, gt=0, allow_inf_nan=False, validation_alias="PAPERS_ARXIV_REQUESTS_PER_SECOND"
    )
    daily_budget_usd: float | None = Field(
        default=None, gt=0, allow_inf_nan=False, validation_alias="PAPERS_DAILY_BUDGET_USD"
    )
    assume_price_usd: float | None = Field(
        default=None, ge=0, allow_inf_nan=False, validation_alias="PAPERS_ASSUME_PRICE_USD"
    )
    pdf_keep_days: int = Field(
        default=7, ge=0, le=MOST_DAYS, validation_alias="PAPERS_PDF_KEEP_DAYS"
    )
    log_keep_days: int = Field(
        default=90, ge=1, le=MOST_DAYS, validation_alias="PAPERS_LOG_KEEP_DAYS"
    )
    quiet_days: Annotated[tuple[date, ...], NoDecode] = _setting("PAPERS_QUIET_DAYS", ())
    webhook_url: SecretStr | None = _setting("PAPERS_WEBHOOK_URL", None)
    alarm_urls: SecretStr | None = _setting("PAPERS_ALARM_URLS", None)
    telegram_token: SecretStr | None = _setting("PAPERS_TELEGRAM_TOKEN", None)
    telegram_chats: Annotated[Mapping[str, str] | None, NoDecode] = _setting(
        "PAPERS_TELEGRAM_CHATS", None
    )
    email_lists: Annotated[Mapping[str, Path] | None, NoDecode] = _setting(
        "PAPERS_EMAIL_LISTS", None
    )
    email_server: SecretStr | None = _setting("PAPERS_EMAIL_SERVER", None)
    email_unsubscribe: str | None = _setting("PAPERS_EMAIL_UNSUBSCRIBE", None)
    apprise_urls: SecretStr | None = _setting("PAPERS_APPRISE_URLS", None)
    deliver_days: int = Field(
        default=3, ge=0, le=MOST_DAYS_LATE, validation_alias="PAPERS_DELIVER_DAYS"
    )
    deliver_hour: int = Field(default=24, ge=0, le=24, validation_alias="PAPERS_DELIVER_HOUR")
    contact: str | None = _setting("PAPERS_CONTACT", None)
    secrets_dir: Path | None = _setting(SECRETS_DIR, None)

    hf_endpoint: str = _setting("HF_ENDPOINT", "https://huggingface.co")
    hf_token: SecretStr | None = _setting("HF_TOKEN", None)
    arxiv_endpoint: str = _setting("ARXIV_ENDPOINT", "https://export.arxiv.org")
    telegram_endpoint: str = _setting("TELEGRAM_ENDPOINT", "https://api.telegram.org")
    dagster_home: Path = _setting("DAGSTER_HOME", Path("data/dagster"))
    coordination_url: SecretStr | None = _setting("PAPERS_COORDINATION_URL", None)

    @field_validator("languages", "quiet_days", mode="before")
    @classmethod
    def _split_commas(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        parts = [part.strip() for part in value.split(",")]
        return tuple(part for part in parts if part)

    @field_validator("llm_limits", mode="before")
    @classmethod
    def _parse_limits(cls, value: Any) -> Any:
        """`openai=5000/2000000,mistral=60`: requests, or requests and tokens, of a provider."""
        if not isinstance(value, str):
            return value
        limits = {}
        for part in filter(None, map(str.strip, value.split(","))):
            limit = LIMIT.fullmatch(part)
            if limit is None:
                raise ValueError(
                    f"{part!r} is not <provider>=<requests a minute>/<tokens a minute>"
                )
            if limit["provider"] not in PROVIDERS:
                raise ValueError(f"{limit['provider']!r} is none of {', '.join(PROVIDERS)}")
            tokens = int(limit["tokens"]) if limit["tokens"] else None
            limits[limit["provider"]] = Rate(int(limit["requests"]), tokens)
        return limits

    @field_validator("telegram_chats", "email_lists", mode="before")
    @classmethod
    def _parse_languages(cls, value: Any) -> Any:
        """`ru=@papers_ru,en=@papers_en`: one value for each language."""
        if not isinstance(value, str):
            return value
        values = {}
        for part in filter(None, map(str.strip, value.split(","))):
            language, found = _by_language(part)
            if language in values:
                raise ValueError(f"{language} has two values")
            values[language] = found
        return values

    @field_validator("apprise_urls")
    @classmethod
    def _names_languages(cls, value: SecretStr | None) -> SecretStr | None:
        for part in value.get_secret_value().split() if value else ():
            _by_language(part, shown="an address")
        return value

    @field_validator("email_unsubscribe")
    @classmethod
    def _is_link(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"(mailto:|https?://)[!-;=?-~]+", value):
            raise ValueError("must be one address that starts with mailto: or https://")
        return value

    @field_validator("data_dir")
    @classmethod
    def _can_be_opened(cls, value: str) -> str:
        if value.startswith(("http://", "https://")):
            raise ValueError("a web address cannot be written to: name a folder or a bucket")
        if "://" in value:
            try:
                _ = folder_at(value).fs
            except (AttributeError, ImportError, ValueError) as error:
                raise ValueError(f"cannot be opened: {error}") from None
        return value

    @field_validator("hf_endpoint", "arxiv_endpoint", "telegram_endpoint", "site_url")
    @classmethod
    def _is_http(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https://")
        return value.rstrip("/") if value else value

    @field_validator("ask_links")
    @classmethod
    def _are_questions(cls, value: str) -> str:
        for name, url in _ask_links(value):
            if not name or not url.startswith(("https://", "http://")) or "{question}" not in url:
                raise ValueError(f"{name}={url} is not <name>=https://…{{question}}…")
        return value

    @field_validator("telegram_link", "email_link")
    @classmethod
    def _is_public(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("https://", "http://", "mailto:")):
            raise ValueError("must start with https://, http:// or mailto:")
        return value

    @property
    def ask(self) -> dict[str, str]:
        """Addresses that open an assistant with a `{question}`, by the assistant's name."""
        return dict(_ask_links(self.ask_links))

    @property
    def follow(self) -> dict[str, str]:
        """Where readers can subscribe to the digest in a `{language}`, by channel."""
        links = {"telegram": self.telegram_link, "email": self.email_link}
        return {channel: url for channel, url in links.items() if url}

    @property
    def alarm(self) -> Alarm:
        """Where messages to the operator go."""
        webhook_url = self.webhook_url.get_secret_value() if self.webhook_url else None
        urls = self.alarm_urls.get_secret_value().split() if self.alarm_urls else ()
        return Alarm(webhook_url, tuple(urls))

    @property
    def mail_url(self) -> str | None:
        """The mail server of letters: its own setting, or the first that alarms are mailed by."""
        if self.email_server:
            return self.email_server.get_secret_value()
        for url in self.alarm.urls:
            if url.startswith(("mailto:", "mailtos:")):
                return url
        return None

    @property
    def chats(self) -> dict[str, list[str]]:
        """The addresses of apprise by language."""
        chats: dict[str, list[str]] = {}
        for part in self.apprise_urls.get_secret_value().split() if self.apprise_urls else ():
            language, url = _by_language(part)
            chats.setdefault(language, []).append(url)
        return chats

    @property
    def access(self) -> dict[str, Access]:
        """Key and base URL of every provider, by its name."""
        access = {}
        for provider in PROVIDERS.values():
            key: SecretStr | None = None
            if provider.key_variable:
                key = getattr(self, provider.key_variable.lower())
            base_url: str | None = getattr(self, provider.base_url_variable.lower())
            access[provider.name] = Access(key.get_secret_value() if key else None, base_url)
        return access

    @property
    def llm_rates(self) -> dict[str, Rate]:
        """The requests and tokens a minute of every provider, by its name.

        A number of requests over all providers takes the place of all limits in the table.
        """
        rates = {}
        for provider in PROVIDERS.values():
            own = (self.llm_limits or {}).get(provider.name, Rate())
            requests, tokens = provider.requests_per_minute, provider.tokens_per_minute
            if self.llm_requests_per_minute:
                requests, tokens = self.llm_requests_per_minute, None
            requests, tokens = own.requests or requests, own.tokens or tokens
            burst = None
            if requests and provider.limits_each_second:
                burst = max(1, requests // 60)
            rates[provider.name] = Rate(requests, tokens, burst)
        return rates

    @property
    def data(self) -> UPath:
        """The root of all state: an absolute local folder or a bucket's URL."""
        return folder_at(self.data_dir)

    @property
    def home(self) -> Path:
        """DAGSTER_HOME as an absolute path: what belongs to this machine, such as run history."""
        return self.dagster_home.resolve()


def _ask_links(value: str) -> list[tuple[str, str]]:
    """The names and addresses of `Claude=https://…,ChatGPT=https://…`; none if it is off."""
    if value == OFF:
        return []
    links = []
    for part in filter(None, map(str.strip, value.split(","))):
        name, _, url = part.partition("=")
        links.append((name.strip(), url.strip()))
    return links


def _by_language(part: str, shown: str | None = None) -> tuple[str, str]:
    """The language and the value of `ru=value`. Raises ValueError, which quotes the part or says
    what it is."""
    found = BY_LANGUAGE.fullmatch(part)
    if found is None:
        raise ValueError(f"{shown or repr(part)} is not <language>=<value>")
    return found["language"], found["value"]


def load_settings() -> Settings:
    """The current settings. Raises SettingsError, which names every unusable variable."""
    folder = os.environ.get(SECRETS_DIR) or None
    if folder and not Path(folder).is_dir():
        raise SettingsError(f"{SECRETS_DIR}={folder!r} is not a folder")
    try:
        return Settings(_secrets_dir=folder)
    except ValidationError as error:
        faults = []
        for fault in error.errors():
            name = str(fault["loc"][0])
            value = "…" if name in secret_names() else repr(fault["input"])
            faults.append(f"{name}={value}: {fault['msg']}")
        message = f"{'; '.join(faults)} (docs/configuration.md explains every setting)"
        raise SettingsError(message) from None


def setting_names() -> tuple[str, ...]:
    """The environment variables of all settings, providers last."""
    return tuple(str(field.validation_alias) for field in Settings.model_fields.values())


def secret_names() -> set[str]:
    """The environment variables whose values are shown nowhere."""
    names = set()
    for field in Settings.model_fields.values():
        if SecretStr in get_args(field.annotation):
            names.add(str(field.validation_alias))
    return names
