"""A fake model's notes on full texts pass the guardrails.

Those of two sample papers are written by hand, and all others are made.
"""

from pathlib import Path

import pytest
import yaml

from papers_pipeline.documents.pdf.parse import PARSER_VERSION, parse_pdf
from papers_pipeline.enrichment.stages import load_stages
from papers_pipeline.enrichment.stages.notes import PaperText, WrittenNotes
from papers_pipeline.prompts.prompt import load_prompts
from papers_pipeline.records import Paper, ParsedPaper
from papers_pipeline.sandbox.answers import Question, answer
from papers_pipeline.sandbox.documents import Documents
from papers_pipeline.sandbox.notes import PARTS
from papers_pipeline.sandbox.world import SAMPLE
from papers_pipeline_tests.conftest import LONG_AGO
from papers_pipeline_tests.helpers.samples import LISTED

STAGES = load_stages(load_prompts(notes_top=1))
BY_HAND = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in (SAMPLE / "notes").glob("*.yaml")
}
MADE = "2602.90204"


def text_of(arxiv_id: str, folder: Path) -> PaperText:
    """A sample paper as the pipeline reads it from its PDF."""
    pdf = folder / f"{arxiv_id}.pdf"
    pdf.write_bytes(Documents(SAMPLE).pdf(arxiv_id, LONG_AGO) or b"")
    read = parse_pdf(pdf)
    listed = LISTED[arxiv_id]
    paper = Paper(
        arxiv_id=arxiv_id,
        title=listed["title"],
        abstract=listed["summary"],
        authors=[],
        first_seen_at=LONG_AGO,
    )
    parsed = ParsedPaper(
        arxiv_id=arxiv_id, state="done", parser_version=PARSER_VERSION, sections=read.sections
    )
    return PaperText(paper, parsed)


def test_two_papers_of_the_first_day_have_hand_written_notes():
    assert sorted(BY_HAND) == ["2602.90031", "2602.90040"]
    assert [set(written) for written in BY_HAND.values()] == [{"ru", "en", "zh"}] * 2


@pytest.mark.parametrize("language", ["ru", "en", "zh"])
@pytest.mark.parametrize("arxiv_id", [*sorted(BY_HAND), MADE])
def test_notes_pass_the_guardrails_unmended(arxiv_id: str, language: str, tmp_path: Path):
    stage = STAGES[f"notes_{language}"]
    (variables,) = stage.prompt_variables(text_of(arxiv_id, tmp_path))
    messages = stage.prompt.messages(**variables)
    given = answer(Question(messages.system, messages.user, {part: {} for part in PARTS}))
    output = WrittenNotes.model_validate(given)
    assert stage.repair(output) == (output, [])
    verdict = stage.judge(output, variables)
    assert (verdict.faults, verdict.warnings) == ((), ())
    assert (given == BY_HAND.get(arxiv_id, {}).get(language)) == (arxiv_id in BY_HAND)
    for statements in output.parts.values():
        assert {statement.section for statement in statements} <= set(variables["sections"])
