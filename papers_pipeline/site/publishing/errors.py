"""What can go wrong while the site is published."""

import re

from papers_pipeline.base.errors import OperatorError

TARGETS = "a folder, rsync:host:/path, rsync:/path or gh-pages:<git remote>"


class PublishError(OperatorError):
    """The site could not be published. The message names the target, the fault and the way out."""


def without_secrets(text: str) -> str:
    """The text without passwords and tokens of its URLs, for logs and screens."""
    return re.sub(r"(https?://)[^/@\s]+@", r"\1***@", text)
