"""The stages as a whole: every prompt has one, and a stage says all that others need to know."""

import pytest

from papers_pipeline.enrichment.stages import load_stages
from papers_pipeline.prompts.prompt import PACKAGED, PromptError, load_prompts

STAGES = load_stages(load_prompts())


def test_every_prompt_has_a_stage_under_the_name_of_its_asset():
    prompts = load_prompts()
    assert [stage.prompt for stage in STAGES.values()] == list(prompts.every)
    assert list(STAGES) == [prompt.asset for prompt in prompts.every]


def test_a_stage_comes_after_the_stages_that_it_reads():
    known: set[str] = set()
    for asset, stage in STAGES.items():
        assert known.issuperset(set(stage.inputs) & set(STAGES)), asset
        known.add(asset)


def test_a_prompt_without_a_stage_is_named_with_the_way_out(tmp_path):
    text = (PACKAGED / "topic_tags.md").read_text(encoding="utf-8")
    (tmp_path / "limits.md").write_text(text, encoding="utf-8")
    with pytest.raises(PromptError) as error:
        load_stages(load_prompts(overlay=tmp_path))
    assert "prompts/limits.md: no stage asks this prompt" in str(error.value)
    assert "prompt_kind 'limits'" in str(error.value)


@pytest.mark.parametrize("asset", STAGES)
def test_the_ui_says_what_a_stage_is_and_what_its_checks_hold(asset: str):
    stage = STAGES[asset]
    assert stage.description.endswith(".")
    assert {check.name for check in stage.checks} >= {"complete"}
    assert ("in_language" in {check.name for check in stage.checks}) == bool(stage.prompt.language)
    is_text = bool(stage.prompt.language) or asset == "reading_task"
    assert ("verified" in {check.name for check in stage.checks}) == is_text
