"""Every setting of the project, once: read from the environment, else from `.env` in the working directory.

An empty value counts as unset. `docs/configuration.md` explains each of them; `.env.example` lists the defaults.
"""

from datetime import date
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from upath import UPath

from papers_pipeline.base.errors import OperatorError
from papers_pipeline.llm.providers import Access


class SettingsError(OperatorError):
    """A setting that cannot be used; the message names the variable, its value's fault and the way out."""


def _setting(name: str, default: Any) -> Any:
    return Field(default=default, validation_alias=name)


class Settings(BaseSettings):
    """One field a variable. The names are a contract with every deployment: they never change, only grow."""

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    data_dir: str = _setting("PAPERS_DATA_DIR", "data")
    site_url: str | None = _setting("PAPERS_SITE_URL", None)
    publish_to: str | None = _setting("PAPERS_PUBLISH_TO", None)
    prompts_dir: Path | None = _setting("PAPERS_PROMPTS_DIR", None)
    languages: Annotated[tuple[str, ...], NoDecode] = _setting("PAPERS_LANGUAGES", ())
    model: str | None = _setting("PAPERS_MODEL", None)
    llm_concurrency: int = Field(default=8, ge=1, validation_alias="PAPERS_LLM_CONCURRENCY")
    llm_requests_per_minute: int = Field(
        default=300, ge=1, validation_alias="PAPERS_LLM_REQUESTS_PER_MINUTE"
    )
    arxiv_requests_per_second: float = Field(
        default=2.0, gt=0, validation_alias="PAPERS_ARXIV_REQUESTS_PER_SECOND"
    )
    daily_budget_usd: float | None = Field(
        default=None, gt=0, validation_alias="PAPERS_DAILY_BUDGET_USD"
    )
    assume_price_usd: float | None = Field(
        default=None, ge=0, validation_alias="PAPERS_ASSUME_PRICE_USD"
    )
    pdf_keep_days: int = Field(default=7, ge=0, validation_alias="PAPERS_PDF_KEEP_DAYS")
    log_keep_days: int = Field(default=90, ge=1, validation_alias="PAPERS_LOG_KEEP_DAYS")
    quiet_days: Annotated[tuple[date, ...], NoDecode] = _setting("PAPERS_QUIET_DAYS", ())
    webhook_url: SecretStr | None = _setting("PAPERS_WEBHOOK_URL", None)
    contact: str | None = _setting("PAPERS_CONTACT", None)

    hf_endpoint: str = _setting("HF_ENDPOINT", "https://huggingface.co")
    hf_token: SecretStr | None = _setting("HF_TOKEN", None)
    arxiv_endpoint: str = _setting("ARXIV_ENDPOINT", "https://export.arxiv.org")
    openai_api_key: SecretStr | None = _setting("OPENAI_API_KEY", None)
    openai_base_url: str | None = _setting("OPENAI_BASE_URL", None)
    mistral_api_key: SecretStr | None = _setting("MISTRAL_API_KEY", None)
    mistral_base_url: str | None = _setting("MISTRAL_BASE_URL", None)
    anthropic_api_key: SecretStr | None = _setting("ANTHROPIC_API_KEY", None)
    anthropic_base_url: str | None = _setting("ANTHROPIC_BASE_URL", None)

    dagster_home: Path = _setting("DAGSTER_HOME", Path("data/dagster"))

    @field_validator("languages", "quiet_days", mode="before")
    @classmethod
    def _split_commas(cls, value: Any) -> Any:
        return (
            tuple(part.strip() for part in value.split(",") if part.strip())
            if isinstance(value, str)
            else value
        )

    @field_validator("hf_endpoint", "arxiv_endpoint", "site_url")
    @classmethod
    def _is_http(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https://")
        return value.rstrip("/") if value else value

    @property
    def access(self) -> dict[str, Access]:
        """How each provider of models is reached."""
        given = {
            "openai": (self.openai_api_key, self.openai_base_url),
            "mistral": (self.mistral_api_key, self.mistral_base_url),
            "anthropic": (self.anthropic_api_key, self.anthropic_base_url),
        }
        return {
            name: Access(key.get_secret_value() if key else None, url)
            for name, (key, url) in given.items()
        }

    @property
    def data(self) -> UPath:
        """The root of all state: a local folder (made absolute) or a bucket's URL."""
        return (
            UPath(self.data_dir) if "://" in self.data_dir else UPath(Path(self.data_dir).resolve())
        )

    @property
    def home(self) -> Path:
        """DAGSTER_HOME of this machine, absolute: run history, locks and limits, never on a bucket."""
        return self.dagster_home.resolve()


def load_settings() -> Settings:
    """The settings in force. Raises SettingsError naming each variable that cannot be used."""
    try:
        return Settings()
    except ValidationError as error:
        faults = "; ".join(
            f"{fault['loc'][0]}={fault['input']!r}: {fault['msg']}" for fault in error.errors()
        )
        raise SettingsError(f"{faults} (docs/configuration.md explains every setting)") from None


def setting_names() -> tuple[str, ...]:
    """The environment variables of all settings, in the order of the class."""
    return tuple(str(field.validation_alias) for field in Settings.model_fields.values())
