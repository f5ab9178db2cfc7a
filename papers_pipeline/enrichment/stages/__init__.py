"""The stages, one module each. A new module here and its prompt are all that a stage needs."""

import importlib
import pkgutil

from papers_pipeline.enrichment.stage import AnyStage, Stage
from papers_pipeline.prompts.prompt import PromptError, Prompts


def load_stages(prompts: Prompts) -> dict[str, AnyStage]:
    """The stage of every prompt by its asset, each after the stages that it reads.

    Raises PromptError for a prompt without a stage.
    """
    classes = _stage_classes()
    stages: dict[str, AnyStage] = {}
    for prompt in prompts.every:
        if prompt.kind not in classes:
            raise PromptError(
                f"prompts/{prompt.name}.md: no stage asks this prompt: delete the file, or add a "
                f"module to enrichment/stages/ whose stage has the prompt_kind {prompt.kind!r}"
            )
        stages[prompt.asset] = classes[prompt.kind](prompt, prompts.terms)
    return stages


def _stage_classes() -> dict[str, type[AnyStage]]:
    """The stage classes of this package's modules, by the kind of prompt they ask."""
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        importlib.import_module(module.name)
    return {stage.prompt_kind: stage for stage in Stage.__subclasses__()}
