"""A reading task must be simple Chinese, and its translations must be complete."""

import pytest

from papers_pipeline.enrichment.reading_guardrails import reading_verdict, translation_verdict
from papers_pipeline.llm.verdict import Verdict
from papers_pipeline.prompts.prompt import load_prompts
from papers_pipeline_tests.helpers.sentences import GRADED, HARD_TEXT, ORDINARY, SIMPLE_TEXT

LIMITS = load_prompts().others["reading_task"].limits
FOUR = SIMPLE_TEXT[:4]


def verdict_on(sentences: list[str], abstract: str = "7B 63.5%") -> Verdict:
    return reading_verdict(sentences, limits=LIMITS, abstract=abstract, paper_title="A model")


def reading_faults(sentences: list[str]) -> str:
    return " ".join(fault.message for fault in verdict_on(sentences).faults)


def severities(sentences: list[str]) -> dict[str, str]:
    """The rules that a text breaks, and how severely."""
    return {fault.rule: fault.severity for fault in verdict_on(sentences).faults}


def test_simple_chinese_passes():
    assert reading_faults(SIMPLE_TEXT) == ""


@pytest.mark.parametrize("name", GRADED)
def test_a_text_for_learners_passes(name: str):
    text = GRADED[name]
    assert verdict_on(text, abstract=" ".join(text)).faults == ()


@pytest.mark.parametrize("summary", ORDINARY)
def test_a_summary_for_native_readers_is_refused_as_too_hard(summary: str):
    sentences = [f"{part}。" for part in summary.split("。") if part]
    limits = {"simple_percent": LIMITS["simple_percent"], "hard_words": LIMITS["hard_words"]}
    verdict = reading_verdict(sentences, limits=limits, abstract=summary, paper_title="")
    rules = {fault.rule: fault.severity for fault in verdict.faults}
    assert rules["difficulty"] == "fatal"


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


SLIGHTLY_HARD = [
    "很多模型只看最后的答案对不对。",
    "作者教模型做一个新动作：擦掉上一步。",
    "如果擦掉以后概率更高，模型就会得到奖励。",
    "这个 7B 模型答对了 63.5% 的题，成绩很好。",
    "不过，要是它选错了策略，常常得走很多步才能察觉。",
]


def test_a_slightly_hard_text_is_published_with_a_note_and_ordinary_prose_is_refused():
    assert severities(SLIGHTLY_HARD) == {"difficulty": "style"}
    assert severities(HARD_TEXT) == {"difficulty": "fatal", "hard_words": "fatal"}


def test_a_fault_of_difficulty_quotes_the_numbers_of_the_prompt_and_the_hard_words():
    share = f"at least {LIMITS['simple_percent']}% must be. Replace hard words with simpler ones: "
    assert share in reading_faults(SLIGHTLY_HARD)
    assert '"模型", "概率", "策略", "察觉"' in reading_faults(SLIGHTLY_HARD)
    assert f"at most {LIMITS['hard_words']} may be." in reading_faults(HARD_TEXT)


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
