"""A language is two files and no line of Python."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from papers_pipeline_tests.conftest import Outside, Pipeline, entry

ROOT = Path(__file__).parents[1]
OLD, NEW = "2026-03-02", "2026-03-03"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the project to which Spanish was added."""
    project = tmp_path / "project"
    shutil.copytree(
        ROOT / "papers_pipeline",
        project / "papers_pipeline",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    shutil.copy(ROOT / "pyproject.toml", project)
    package = project / "papers_pipeline"
    english = (package / "locales" / "en.toml").read_text()
    spanish = english.replace('name = "English"', 'name = "Español"').replace(
        'html = "en"', 'html = "es"'
    )
    plurals = spanish.replace('\nother = "', '\nmany = "{count} de"\nother = "')
    (package / "locales" / "es.toml").write_text(plurals.replace('babel = "en"', 'babel = "es"'))
    (package / "prompts" / "summary.es.md").write_text(
        (package / "prompts" / "summary.en.md").read_text()
    )
    return project


def test_spanish_appears_and_an_old_day_renders_with_it_pending(
    outside: Outside, pipeline: Pipeline, copy: Path
):
    outside.list(OLD, [entry("2603.10001", ai_summary="HF says so.")])
    outside.list(NEW, [entry("2603.10002")])
    pipeline.build(OLD)

    def build(*arguments: str) -> None:
        command = [sys.executable, "-m", "papers_pipeline.cli", "build", *arguments]
        subprocess.run(
            command, cwd=copy, env={**os.environ, "PYTHONPATH": str(copy)}, check=True, timeout=120
        )

    build("--date", OLD, "--only", "daily_issue", "daily_pages")
    old = pipeline.json(OLD)["papers"][0]["summaries"]
    assert list(old) == ["ru", "en", "es", "zh"]
    assert (old["es"]["state"], old["es"]["reason"], old["en"]["text"]) == (
        "pending",
        "not_built",
        "HF says so.",
    )
    assert '<html lang="es"' in pipeline.page(OLD, "es")
    build("--date", NEW)
    assert (pipeline.site.parent / "lake" / "summaries_es" / f"{NEW}.parquet").exists()
    assert (pipeline.site.parent / "lake" / "reading_translation_es" / f"{NEW}.parquet").exists()
    assert (pipeline.site / "es" / "reading" / f"{NEW}.html").exists()
    assert pipeline.json(NEW)["papers"][0]["summaries"]["es"]["reason"] == "no_provider"
    assert "2603.10002" in pipeline.page(NEW, "es")
