"""The errors whose message is for the operator: it names the thing, the place and the way out."""


class OperatorError(Exception):
    """Shown as its message alone, without a traceback, in the UI and in the terminal."""
