"""The version of what makes pages: a page with the same data and version has the same bytes."""

import ast
import hashlib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from papers_pipeline.base.loaded_once import loaded_once

PACKAGE = Path(str(files("papers_pipeline")))
NO_PAGES = {"completion.py", "publish.py", "search.py"}
"""Modules of `site/` that make no page."""


@loaded_once
def page_version() -> str:
    """Twelve hex digits over all templates, static files, locales, and the code that makes pages.

    Comments, docstrings and layout of the code do not count: they change no page.
    """
    version = hashlib.sha256()
    for folder in ("site/templates", "site/static", "locales"):
        for path in _files(PACKAGE / folder):
            version.update(f"{path.name}\n".encode() + path.read_bytes() + b"\0")
    for folder in ("site", "text"):
        for path in _modules(PACKAGE / folder):
            version.update(f"{path.name}\n{code_only(path.read_text('utf-8'))}\0".encode())
    return version.hexdigest()[:12]


def code_only(source: str) -> str:
    """Python source without comments, docstrings and blank lines, in one layout."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [child for child in body if not _is_docstring(child)]  # type: ignore[attr-defined]
    return ast.unparse(tree)


def _is_docstring(node: ast.AST) -> bool:
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Constant):
        return False
    return isinstance(node.value.value, str)


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.is_file():
            yield path


def _modules(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*.py")):
        if path.name not in NO_PAGES:
            yield path
