"""A language is two files and no line of Python."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from papers_pipeline_tests.helpers.building import Pipeline
from papers_pipeline_tests.helpers.outside import LANGUAGES, Outside, entry

ROOT = Path(__file__).parents[1]
OLD, NEW = "2026-03-02", "2026-03-03"
ADDED = "pt"
"""A language that the project does not have."""

BUILD = f"""
from datetime import date
import dagster as dg
from papers_pipeline.base.clock import Clock
from papers_pipeline.cli.progress import PlainWatcher
from papers_pipeline.runner import Runner
from papers_pipeline.settings import load_settings
from rich.console import Console

with dg.DagsterInstance.ephemeral() as instance:
    runner = Runner(load_settings(), instance, Clock(), PlainWatcher(Console()))
    old = runner.build_only([date.fromisoformat("{OLD}")], ["daily_issue", "daily_pages"])
    new = runner.build([date.fromisoformat("{NEW}")])
    assert not old[0].failed and not new[0].failed, (old, new)
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the project to which Portuguese was added."""
    project = tmp_path / "project"
    shutil.copytree(
        ROOT / "papers_pipeline",
        project / "papers_pipeline",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    shutil.copy(ROOT / "pyproject.toml", project)
    package = project / "papers_pipeline"
    locale = (package / "locales" / "en.toml").read_text(encoding="utf-8")
    for old, new in (
        ('name = "English"', 'name = "Português"'),
        ('html = "en"', f'html = "{ADDED}"'),
        ('babel = "en"', f'babel = "{ADDED}"'),
        ('\nother = "', '\nmany = "{count} de"\nother = "'),
    ):
        assert old in locale
        locale = locale.replace(old, new)
    (package / "locales" / f"{ADDED}.toml").write_text(locale, encoding="utf-8")
    shutil.copy(package / "prompts" / "summary.en.md", package / "prompts" / f"summary.{ADDED}.md")
    return project


def test_an_added_language_appears_and_an_old_day_renders_with_it_pending(
    outside: Outside, pipeline: Pipeline, copy: Path
):
    assert ADDED not in LANGUAGES
    outside.list(OLD, [entry("2603.10001", ai_summary="HF says so.")])
    outside.list(NEW, [entry("2603.10002")])
    pipeline.build(OLD)
    env = os.environ | {"PYTHONPATH": str(copy)}
    subprocess.run([sys.executable, "-c", BUILD], cwd=copy, env=env, check=True, timeout=300)
    old = pipeline.json(OLD)["papers"][0]["summaries"]
    first, *others = LANGUAGES
    assert list(old) == [first, *sorted([*others, ADDED])]
    assert (old[ADDED]["state"], old[ADDED]["reason"]) == ("pending", "not_built")
    assert old["en"]["text"] == "HF says so."
    assert f'<html lang="{ADDED}"' in pipeline.page(OLD, ADDED)
    lake = pipeline.data / "lake"
    assert (lake / f"summaries_{ADDED}" / f"{NEW}.parquet").exists()
    assert (lake / f"reading_translation_{ADDED}" / f"{NEW}.parquet").exists()
    assert (pipeline.site / ADDED / "reading" / f"{NEW}.html").exists()
    assert pipeline.json(NEW)["papers"][0]["summaries"][ADDED]["reason"] == "no_provider"
    assert "2603.10002" in pipeline.page(NEW, ADDED)
