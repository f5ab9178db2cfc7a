"""Sends a finished day to readers: one module per channel, and what they have in common."""
