"""Says how often something was tried again."""


def times(tries: int) -> str:
    """How often it was tried again after the first time, in words."""
    repeated = tries - 1
    return {0: "no", 1: "once", 2: "twice"}.get(repeated, f"{repeated} times")
