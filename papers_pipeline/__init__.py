"""A daily digest of Hugging Face Daily Papers in Russian, English and Chinese, built by Dagster."""

__version__ = "0.1.0"
