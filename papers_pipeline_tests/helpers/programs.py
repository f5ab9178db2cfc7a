"""Programs beyond Python that some tests need."""

import shutil
import sys
from pathlib import Path

PACKAGES = {"initdb": "postgresql"}
"""The package of a program that has another name."""
DEBIAN_POSTGRES = Path("/usr/lib/postgresql")
"""Debian keeps the server's programs here, and not on PATH."""


def found(program: str) -> str | None:
    """The path of a program, or None if it is not installed."""
    path = shutil.which(program)
    if path is None:
        for folder in sorted(DEBIAN_POSTGRES.glob("*/bin"), reverse=True):
            path = path or shutil.which(program, path=str(folder))
    return path


def missing(programs: tuple[str, ...]) -> str:
    """The message that names every program not installed and how to install it, or ""."""
    lacking = [program for program in programs if found(program) is None]
    if not lacking:
        return ""
    names = " ".join(lacking)
    packages = " ".join(PACKAGES.get(program, program) for program in lacking)
    return f"These tests need {names}. Install with: apt-get install -y {packages}"


if __name__ == "__main__":
    sys.exit(missing(tuple(sys.argv[1:])) or None)
