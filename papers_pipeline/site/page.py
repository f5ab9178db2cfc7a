"""A file of the site that is made only when what it shows has changed."""

from collections.abc import Callable
from typing import NamedTuple


class Page(NamedTuple):
    """A file of the site and how to make it.

    `fingerprint` is a hash of the page's data. `Site` adds template, locale and code versions;
    images and data files need none. `Site` calls `make` only if the fingerprint changed.
    """

    path: str
    fingerprint: str
    make: Callable[[], str | bytes]
    is_plain: bool = False
