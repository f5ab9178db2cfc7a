"""Importing the packages is cheap and asks nothing of the environment; nobody imports a test."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
IMPORT_ALL = """
import importlib, pkgutil
import papers_pipeline
found = pkgutil.walk_packages(papers_pipeline.__path__, "papers_pipeline.")
names = [module.name for module in found]
for name in names:
    if not name.endswith("__main__"):
        importlib.import_module(name)
print(len(names))
"""


def test_no_module_reads_the_settings_while_it_is_imported():
    env = {**os.environ, "PAPERS_LLM_CONCURRENCY": "no number"}
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 100


@pytest.mark.parametrize("module", ["papers_pipeline.runner", "papers_pipeline.definitions"])
def test_a_run_without_work_imports_nothing_that_only_work_needs(module):
    code = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert module in loaded
    for_work = {
        "pymupdf",
        "pydantic_ai",
        "openai",
        "sklearn",
        "matplotlib",
        "pandas",
        "jieba",
        "psycopg",
    }
    assert loaded & for_work == set()


def imported(source: str) -> set[str]:
    """Every part of every name that a module imports, wherever in it."""
    parts = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [getattr(node, "module", None) or "", *(alias.name for alias in node.names)]
            parts.update(part for name in names for part in name.split("."))
    return parts


def test_no_module_imports_a_test_module():
    modules = list(TESTS.rglob("*.py"))
    test_modules = {path.stem for path in modules if path.stem.startswith("test_")}
    assert len(test_modules) > 50
    for path in modules:
        found = imported(path.read_text(encoding="utf-8")) & test_modules
        assert not found, f"{path.relative_to(TESTS)}: move what it needs of {found} to helpers/"
