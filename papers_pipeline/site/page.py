"""A file of the site that is made only at need."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Page:
    """A file that is made only at need. ``fingerprint`` is a hash of all that goes into it but templates, words, code and
    the site's languages, which a picture has none of: ``make`` is not called while none of these has changed."""

    path: str
    fingerprint: str
    make: Callable[[], bytes]
    is_picture: bool = False
