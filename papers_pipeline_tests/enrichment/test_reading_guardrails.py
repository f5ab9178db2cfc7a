"""A reading task must be simple Chinese, and its translations must be complete."""

import pytest

from papers_pipeline.enrichment.reading_guardrails import reading_verdict, translation_verdict
from papers_pipeline.prompts.prompt import load_prompts
from papers_pipeline_tests.helpers.sentences import HARD_TEXT, SIMPLE_TEXT

LIMITS = load_prompts().others["reading_task"].limits
FOUR = SIMPLE_TEXT[:4]


def reading_faults(sentences: list[str]) -> str:
    verdict = reading_verdict(sentences, limits=LIMITS, abstract="7B 63.5%", paper_title="A model")
    return " ".join(fault.message for fault in verdict.faults)


def test_simple_chinese_passes():
    assert reading_faults(SIMPLE_TEXT) == ""


@pytest.mark.parametrize(
    ("sentences", "fault"),
    [
        (FOUR, "There are 4 sentences. Write 5 to 8."),
        (SIMPLE_TEXT * 2, "There are 10 sentences. Write 5 to 8."),
        ([*FOUR, SIMPLE_TEXT[0]], "A sentence is repeated"),
        ([*FOUR, "它很快。它很好。"], "sentence 5 contains more than one sentence"),
        ([*FOUR, "它很快"], "sentence 5 does not end with 。"),
        ([*FOUR, "它" + "很快" * 30 + "。"], "sentence 5 has 61 characters; the limit is 40"),
        ([*FOUR, "The model learns to erase its last step。"], "sentence 5 is not in Chinese"),
        ([*FOUR, "这个模型後來學會了。"], "traditional characters: 後來學會"),
        ([*FOUR, "这个模型很快、とても好。"], 'contains "とても"'),
        ([*FOUR, "**这个**模型很快。"], "bold or italic markup"),
        ([*FOUR, ""], "sentence 5 is empty"),
    ],
)
def test_anything_but_simple_chinese_sentences_is_a_fault(sentences: list[str], fault: str):
    assert fault in reading_faults(sentences)


def test_too_many_hard_words_outside_the_vocabulary_are_a_fault():
    assert (
        "are in HSK 1 to 5 or in a vocabulary of 25 words; at least 80% must be. "
        "Replace hard words with simpler ones: "
    ) in reading_faults(HARD_TEXT)


ORIGINALS = ["模型很快。", "Transformer 很贵。"]
WORDS = ["模型"]
RUSSIAN = ["Эта модель работает очень быстро.", "Transformer обходится дорого."]
MEANINGS = [("模型", "модель")]


def translation_faults(sentences: list[str], meanings: list[tuple[str, str]]) -> str:
    verdict = translation_verdict(
        sentences,
        meanings,
        language="ru",
        originals=ORIGINALS,
        words=WORDS,
        limits={"meaning_characters": 60},
        terms=frozenset(),
    )
    return " ".join(fault.message for fault in verdict.faults)


def test_a_complete_translation_passes():
    assert translation_faults(RUSSIAN, MEANINGS) == ""


@pytest.mark.parametrize(
    ("sentences", "fault"),
    [
        (RUSSIAN[:1], "The number of translations is 1, but there are 2 sentences"),
        (
            ["The model is very fast.", "The transformer is expensive."],
            "in the language en, not ru",
        ),
        (["Эта модель очень быстрая (快).", RUSSIAN[1]], 'contains Chinese: "快"'),
        ([RUSSIAN[0], ""], "The translation of sentence 2 is empty"),
        (["Модель drastically быстрее прежней.", RUSSIAN[1]], '"drastically"'),
    ],
)
def test_an_incomplete_or_foreign_translation_is_a_fault(sentences: list[str], fault: str):
    assert fault in translation_faults(sentences, MEANINGS)


@pytest.mark.parametrize(
    ("meanings", "fault"),
    [
        ([], "The meaning of 模型 is missing"),
        (
            [*MEANINGS, ("TwinMarket", "TwinMarket")],
            "Not among the given words: TwinMarket",
        ),
        ([("模型", "модель 模型")], "The meaning of 模型 contains Chinese"),
        ([("模型", "м" * 90)], "has 90 characters; the limit is 60"),
        (MEANINGS * 2, "A word is explained twice"),
    ],
)
def test_each_given_word_needs_exactly_one_short_meaning(
    meanings: list[tuple[str, str]], fault: str
):
    assert fault in translation_faults(RUSSIAN, meanings)
