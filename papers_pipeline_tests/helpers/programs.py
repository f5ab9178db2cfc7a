"""Programs beyond Python that some tests need."""

import shutil
import sys


def missing(programs: tuple[str, ...]) -> str:
    """The message that names every program not on PATH and the command that installs it, or ""."""
    lacking = [program for program in programs if shutil.which(program) is None]
    if not lacking:
        return ""
    names = " ".join(lacking)
    return f"These tests need {names}. Install with: apt-get install -y {names}"


if __name__ == "__main__":
    sys.exit(missing(tuple(sys.argv[1:])) or None)
