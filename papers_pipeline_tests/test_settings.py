"""Every setting is read once, and one that cannot be used is named."""

from datetime import date
from pathlib import Path

import pytest

from papers_pipeline.base.model_providers import PROVIDERS
from papers_pipeline.settings import SettingsError, load_settings
from papers_pipeline.store.limits import Rate


def test_the_environment_comes_before_the_file_and_empty_counts_as_unset(
    tmp_path: Path, monkeypatch
):
    (tmp_path / ".env").write_text(
        "HF_TOKEN=from-file\nPAPERS_CONTACT=me@example.org\nOPENAI_API_KEY=from-file\n"
    )
    monkeypatch.setenv("HF_TOKEN", "from-environment")
    monkeypatch.setenv("OPENAI_API_KEY", "")
    settings = load_settings()
    assert settings.hf_token.get_secret_value() == "from-environment"
    assert settings.contact == "me@example.org"
    assert settings.openai_api_key.get_secret_value() == "from-file"


def test_secrets_may_be_files_of_their_names(tmp_path: Path, monkeypatch):
    for name in ("OPENAI_API_KEY", "mistral_api_key", "HF_TOKEN"):
        (tmp_path / name).write_text(f"{name} from a file\n")
    monkeypatch.setenv("PAPERS_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("HF_TOKEN", "from-environment")
    settings = load_settings()
    assert settings.openai_api_key.get_secret_value() == "OPENAI_API_KEY from a file"
    assert settings.mistral_api_key.get_secret_value() == "mistral_api_key from a file"
    assert settings.hf_token.get_secret_value() == "from-environment"


def test_a_folder_of_secrets_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setenv("PAPERS_SECRETS_DIR", "/run/nothing")
    with pytest.raises(SettingsError, match="PAPERS_SECRETS_DIR='/run/nothing' is not a folder"):
        load_settings()


def test_every_provider_has_its_variables(monkeypatch):
    for provider in PROVIDERS.values():
        monkeypatch.setenv(provider.base_url_variable, f"http://127.0.0.1/{provider.name}")
        if provider.key_variable:
            monkeypatch.setenv(provider.key_variable, f"key of {provider.name}")
    for name, access in load_settings().access.items():
        has_key = PROVIDERS[name].key_variable is not None
        assert access.key == (f"key of {name}" if has_key else None)
        assert access.base_url == f"http://127.0.0.1/{name}"


def test_assistants_have_names_and_addresses_and_can_be_switched_off(monkeypatch):
    assert list(load_settings().ask) == ["Claude", "ChatGPT", "Perplexity"]
    monkeypatch.setenv("PAPERS_ASK_LINKS", "Own=https://ask.example/?a=b&q={question}, ")
    assert load_settings().ask == {"Own": "https://ask.example/?a=b&q={question}"}
    monkeypatch.setenv("PAPERS_ASK_LINKS", "off")
    assert load_settings().ask == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PAPERS_ASK_LINKS", "Own=https://ask.example/"),
        ("PAPERS_ASK_LINKS", "https://ask.example/?q={question}"),
        ("PAPERS_ASK_LINKS", "Own=javascript:alert({question})"),
        ("PAPERS_TELEGRAM_LINK", "@papers"),
        ("PAPERS_EMAIL_LINK", "javascript:alert(1)"),
    ],
)
def test_a_link_that_no_page_can_have_is_refused(monkeypatch, name: str, value: str):
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        load_settings()


def test_lists_are_split_at_commas(monkeypatch):
    monkeypatch.setenv("PAPERS_LANGUAGES", "zh, en")
    monkeypatch.setenv("PAPERS_QUIET_DAYS", "2026-05-01,2026-05-04")
    settings = load_settings()
    assert settings.languages == ("zh", "en")
    assert settings.quiet_days == (date(2026, 5, 1), date(2026, 5, 4))


def test_limits_are_the_tables_the_ones_over_all_or_a_providers_own(monkeypatch):
    anthropic, mistral, local = (PROVIDERS[name] for name in ("anthropic", "mistral", "local"))
    rates = load_settings().llm_rates
    assert rates["anthropic"] == Rate(anthropic.requests_per_minute, anthropic.tokens_per_minute)
    assert rates["mistral"] == Rate(
        mistral.requests_per_minute, mistral.tokens_per_minute, mistral.requests_per_minute // 60
    )
    assert (rates["local"], local.requests_per_minute) == (Rate(), None)
    monkeypatch.setenv("PAPERS_LLM_REQUESTS_PER_MINUTE", "90")
    monkeypatch.setenv("PAPERS_LLM_LIMITS", "openai=5000/2000000, mistral=120")
    rates = load_settings().llm_rates
    assert rates["anthropic"] == Rate(90)
    assert rates["local"] == Rate(90)
    assert rates["openai"] == Rate(5000, 2_000_000)
    assert rates["mistral"] == Rate(120, burst=2)
    monkeypatch.delenv("PAPERS_LLM_REQUESTS_PER_MINUTE")
    assert load_settings().llm_rates["mistral"] == Rate(120, mistral.tokens_per_minute, 2)


def test_no_secret_is_ever_printed(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    assert "very-secret" not in f"{load_settings()!r} {load_settings()}"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "HF_ENDPOINT",
            "huggingface.co",
            "HF_ENDPOINT='huggingface.co': Value error, must start with http",
        ),
        ("PAPERS_LLM_CONCURRENCY", "many", "PAPERS_LLM_CONCURRENCY='many'"),
        ("PAPERS_DATA_DIR", "https://example.org/data", "a web address cannot be written to"),
        ("PAPERS_DATA_DIR", "bucket://papers", "PAPERS_DATA_DIR='bucket://papers': .* cannot be"),
        ("PAPERS_LLM_LIMITS", "openai=many", "'openai=many' is not <provider>=<requests"),
        ("PAPERS_LLM_LIMITS", "openia=50", "'openia' is none of openai, mistral"),
        ("PAPERS_QUIET_DAYS", "2026-13-01", "PAPERS_QUIET_DAYS='2026-13-01'"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(monkeypatch, name, value, message):
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=message):
        load_settings()


def test_data_may_lie_on_a_bucket_and_home_never_does(monkeypatch, tmp_path):
    monkeypatch.setenv("PAPERS_DATA_DIR", "memory://bucket/papers")
    settings = load_settings()
    assert str(settings.data / "site") == "memory://bucket/papers/site"
    assert settings.home == tmp_path / "home"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PAPERS_LLM_CONCURRENCY", "99999999999"),
        ("PAPERS_ARXIV_REQUESTS_PER_SECOND", "inf"),
        ("PAPERS_DAILY_BUDGET_USD", "nan"),
        ("PAPERS_ASSUME_PRICE_USD", "inf"),
        ("PAPERS_PDF_KEEP_DAYS", "9999999999"),
        ("PAPERS_LOG_KEEP_DAYS", "9999999999"),
    ],
)
def test_a_number_without_bounds_is_refused(monkeypatch, name: str, value: str):
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"^{name}='{value}'"):
        load_settings()
