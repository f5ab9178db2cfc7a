"""Which code and which prompts a machine has, so that a worker never builds with others."""

import hashlib
from functools import cache
from importlib.metadata import version

from papers_pipeline.prompts.prompt import prompts_version
from papers_pipeline.settings import Settings
from papers_pipeline.site.version import PACKAGE
from papers_pipeline.wiring import prompts_of

RELEASE_TAG = "papers/release"
"""The code and the prompts that a run is meant for."""


def release_of(settings: Settings) -> str:
    """`0.1.0, code 1f0c2a9be310, prompts 77d90ab1c4e2`: equal on machines that build the same.

    The prompts are those of PAPERS_PROMPTS_DIR, PAPERS_LANGUAGES and PAPERS_MODEL.
    """
    prompts = prompts_version(prompts_of(settings))
    return f"{version('papers_pipeline')}, code {_code_version()}, prompts {prompts}"


@cache
def _code_version() -> str:
    """Twelve hex digits over all files of the package."""
    found = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            name = path.relative_to(PACKAGE).as_posix()
            found.update(f"{name}\n".encode() + path.read_bytes() + b"\0")
    return found.hexdigest()[:12]
