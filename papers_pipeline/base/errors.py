"""Errors whose message is for the operator: what failed, where, and what to do about it."""


class OperatorError(Exception):
    """Shown without a traceback, in the UI and in the terminal."""
