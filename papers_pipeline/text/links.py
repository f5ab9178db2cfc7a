"""Which addresses may be linked."""


def web_url(url: str | None) -> str | None:
    """`url` if it is a web address, else None: the feed's URLs can be anything."""
    return url if url and url.lower().startswith(("https://", "http://")) else None
