"""Hugging Face Daily Papers as Dagster assets: a digest in Russian, English and Chinese, one partition a day."""

__version__ = "0.1.0"
