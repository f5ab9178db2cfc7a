"""The demo leaves the caller's settings behind, so that no key is ever sent to the sandbox."""

import os
from pathlib import Path

from papers_pipeline.base.model_providers import PROVIDERS
from papers_pipeline.sandbox import demo
from papers_pipeline.settings import load_settings, setting_names


def test_no_setting_of_the_environment_or_of_a_file_reaches_the_demo(tmp_path: Path, monkeypatch):
    for name in setting_names():
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("HF_TOKEN", "hf_real")
    (tmp_path / ".env").write_text(
        "OPENAI_API_KEY=sk-real\nMISTRAL_API_KEY=real\nANTHROPIC_API_KEY=real\n"
    )
    monkeypatch.setattr(demo, "DATA", tmp_path / "demo")
    demo.enter("http://127.0.0.1:1")
    settings = load_settings()
    assert settings.hf_endpoint == "http://127.0.0.1:1"
    assert settings.data_dir == str(tmp_path / "demo")
    assert settings.hf_token is None
    for name, access in settings.access.items():
        assert access.key == (demo.KEY if PROVIDERS[name].key_variable else None)
        assert access.base_url.startswith("http://127.0.0.1:1/")
    left = {name for name in setting_names() if name in os.environ}
    assert left == {
        *(
            "PAPERS_DATA_DIR",
            "DAGSTER_HOME",
            "HF_ENDPOINT",
            "ARXIV_ENDPOINT",
            "PAPERS_ARXIV_REQUESTS_PER_SECOND",
        ),
        *demo.provider_settings(""),
    }
