"""Names of models: `<provider>:<model>`."""

from papers_pipeline.base.errors import OperatorError
from papers_pipeline.base.model_providers import PROVIDERS


class ModelNameError(OperatorError):
    """A model name that is not `<provider>:<model>`; the message quotes it."""


def split_name(name: str) -> tuple[str, str]:
    """Provider and model of a name such as `openai:qwen3:8b`. Raises ModelNameError."""
    provider, _, model = name.partition(":")
    if provider not in PROVIDERS or not model:
        raise ModelNameError(
            f"model {name!r}: expected <provider>:<model> with a provider of {', '.join(PROVIDERS)}"
        )
    return provider, model
