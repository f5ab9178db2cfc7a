"""The Latin words that Russian prose may hold: `terms.txt`."""


def load_terms(text: str) -> frozenset[str]:
    """The words of a ``terms.txt``: one a line, in lower case; empty lines and lines that begin with # do not count."""
    lines = (line.strip() for line in text.splitlines())
    return frozenset(line.lower() for line in lines if line and not line.startswith("#"))
