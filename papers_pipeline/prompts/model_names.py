"""Names of models: `<provider>:<model>`."""

from papers_pipeline.base.errors import OperatorError

PROVIDERS = ("openai", "mistral", "anthropic")


class ModelNameError(OperatorError):
    """A model that is not named `<provider>:<model>`; the message says what was given."""


def split_name(name: str) -> tuple[str, str]:
    """Provider and model of `openai:qwen3:8b`. Raises ModelNameError."""
    provider, _, model = name.partition(":")
    if provider not in PROVIDERS or not model:
        raise ModelNameError(
            f"model {name!r}: expected <provider>:<model> with a provider of {', '.join(PROVIDERS)}"
        )
    return provider, model
