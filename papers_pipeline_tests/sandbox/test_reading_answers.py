"""A fake model's reading tasks and translations pass the guardrails.

Those of the sample days are written by hand, and all others are made.
"""

import pytest

from papers_pipeline.enrichment.reading import annotate
from papers_pipeline.enrichment.stages import load_stages
from papers_pipeline.records import Paper, ReadingTask
from papers_pipeline.sandbox.answers import Question, answer
from papers_pipeline_tests.conftest import LONG_AGO
from papers_pipeline_tests.helpers.outside import PROMPTS
from papers_pipeline_tests.helpers.samples import LISTED, WRITTEN

STAGES = load_stages(PROMPTS)
BY_HAND = [arxiv_id for arxiv_id, written in WRITTEN.items() if "reading" in written]


def paper(arxiv_id: str, title: str, abstract: str) -> Paper:
    folded = " ".join(title.split())
    return Paper(
        arxiv_id=arxiv_id, title=folded, abstract=abstract, authors=[], first_seen_at=LONG_AGO
    )


PAPERS = [
    *(
        paper(arxiv_id, LISTED[arxiv_id]["title"], LISTED[arxiv_id]["summary"])
        for arxiv_id in sorted(BY_HAND)
    ),
    paper(
        "2603.10001", "Kettles That Whistle Before They Boil", "Whistling kettles warn too late."
    ),
    paper("2603.10002", "Ω", "A title without any word to quote."),
]


def given(asset: str, item: Paper | ReadingTask, *fields: str):
    """The answer to the stage's question, after its guardrails passed it without a warning."""
    stage = STAGES[asset]
    (variables,) = stage.prompt_variables(item)
    messages = stage.prompt.messages(**variables)
    question = Question(messages.system, messages.user, {field: {} for field in fields})
    output = stage.output(**answer(question))
    verdict = stage.judge(output, variables)
    assert (verdict.faults, verdict.warnings) == ((), ())
    return output


def test_one_paper_of_each_sample_day_has_a_hand_written_task():
    assert sorted(BY_HAND) == ["2602.90040", "2602.90102", "2602.90204"]


@pytest.mark.parametrize("asked", PAPERS, ids=lambda asked: asked.arxiv_id)
def test_sentences_and_translations_pass_the_guardrails(asked: Paper):
    text = annotate(given("reading_task", asked, "sentences").sentences)
    common = {"arxiv_id": asked.arxiv_id, "state": "done", "prompt_version": "", "input_hash": ""}
    row = ReadingTask(
        **common, sentences=text.sentences, vocabulary=text.vocabulary, level=text.level
    )
    russian = given("reading_translation_ru", row, "sentences", "meanings")
    assert [entry.word for entry in russian.meanings] == [word.word for word in text.vocabulary]
    english = given("reading_translation_en", row, "sentences", "meanings")
    assert english.meanings == []
    by_hand = WRITTEN.get(asked.arxiv_id, {}).get("reading")
    assert ("тестовый перевод" in russian.sentences[0]) == (by_hand is None)
    if by_hand:
        assert [sentence.text for sentence in text.sentences] == by_hand["zh"]
        assert {entry.word: entry.meaning for entry in russian.meanings} == by_hand["ru"][
            "meanings"
        ]
