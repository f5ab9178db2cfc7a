"""Latin words that Russian prose may contain: `terms.txt`."""


def load_terms(text: str) -> frozenset[str]:
    """The words of a `terms.txt` in lower case: one per line, without comments (#)."""
    terms = set()
    for line in text.splitlines():
        term = line.strip().lower()
        if term and not term.startswith("#"):
            terms.add(term)
    return frozenset(terms)
