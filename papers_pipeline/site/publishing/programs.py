"""Runs rsync and git."""

import os
import subprocess
from collections.abc import Mapping, Sequence

from papers_pipeline.base.characters import one_line
from papers_pipeline.site.publishing.errors import PublishError, without_secrets

TIMEOUT_SECONDS = 1800
"""Limit for one external program: a hanging one would keep the site's lock and block builds."""


def run(
    command: Sequence[str],
    way_out: str,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
) -> str:
    """The program's output. Raises PublishError if it is missing, fails, or takes too long."""
    program = command[0]
    try:
        done = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            env={**(os.environ if env is None else env), "LC_ALL": "C"},
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise PublishError(
            f"{program} is not installed: install it, or publish to a folder"
        ) from None
    except subprocess.TimeoutExpired:
        raise PublishError(
            f"{program} did not finish within {TIMEOUT_SECONDS} seconds; {way_out}"
        ) from None
    if done.returncode:
        stderr = without_secrets(done.stderr.decode(errors="replace"))
        message = one_line(stderr)
        raise PublishError(f"{program} ended with status {done.returncode}: {message}; {way_out}")
    return done.stdout.decode()
