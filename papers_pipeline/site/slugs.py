"""Names in URLs."""

import hashlib
import re
import unicodedata
from functools import lru_cache

LENGTH = 80


@lru_cache(maxsize=65536)
def slug(name: str) -> str:
    """A name in a URL: ASCII letters and digits, words joined by hyphens.

    Names that differ only in case, accents or punctuation, or only after 80 characters, share one.
    A name in other scripts gets a hash instead.
    """
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    plain = decomposed.encode("ascii", "ignore").decode()
    words = re.findall(r"[a-z0-9]+", plain)
    letters = sum(map(str.isalnum, name))
    kept = sum(map(len, words))
    if not words or letters > 2 * kept:
        return hashlib.sha256(name.casefold().encode()).hexdigest()[:12]
    return "-".join(words)[:LENGTH].strip("-")
