"""A reading task is simple, and its vocabulary and its translations are whole."""

import pytest

from papers_pipeline.enrichment.reading import (
    MOST_VOCABULARY,
    pinyin_of,
    read,
    reading_verdict,
    translation_verdict,
)
from papers_pipeline.prompts.prompt import load_prompts

PROMPTS = load_prompts()
LIMITS = PROMPTS.others["reading_task"].limits
GOOD = [
    "很多模型只看最后的答案对不对。",
    "作者让模型学会一个新动作：擦掉上一步。",
    "如果擦掉以后更容易成功，模型就会得到奖励。",
    "这个 7B 模型答对了 63.5% 的题。",
    "不过，要是它选错了方法，常常得走很多步才能发现。",
]
HARD = [
    "张量秩趋于坍缩，诱发梯度湮灭。",
    "稠密算子黏附于残差流形之畔。",
    "谱隙湮没，遂致熵增溃散。",
    "拓扑缺陷衍生涡旋，裹挟噪声弥散。",
    "正则项羸弱，难遏过拟合肆虐。",
    "湍流模态蛰伏于隐匿子空间。",
    "嬗变的先验褫夺后验的裁量。",
    "黎曼曲率撼动测地线之稳恒。",
]


def faults(sentences: list[str]) -> str:
    return " ".join(
        reading_verdict(sentences, limits=LIMITS, abstract="7B 63.5%", paper_title="A model").faults
    )


def test_a_good_text_passes_and_its_vocabulary_is_above_hsk_3_and_in_the_text():
    assert faults(GOOD) == ""
    text = read(GOOD)
    words = {word.text: word.pinyin for sentence in text.sentences for word in sentence.words}
    assert [word.word for word in text.vocabulary][:3] == ["模型", "答案", "作者"]
    assert all(words[word.word] == word.pinyin and word.meaning for word in text.vocabulary)
    assert all(word.level is None or word.level > 3 for word in text.vocabulary)
    assert text.known_share == 1.0
    assert text.level == 5


@pytest.mark.parametrize(
    ("sentences", "fault"),
    [
        (GOOD[:4], "There are 4 sentences, 5 to 8 are asked"),
        (GOOD * 2, "There are 10 sentences"),
        ([*GOOD[:4], GOOD[0]], "A sentence stands there twice"),
        ([*GOOD[:4], "它很快。它很好。"], "sentence 5 is more than one"),
        ([*GOOD[:4], "它很快"], "sentence 5 does not end with 。"),
        ([*GOOD[:4], "它" + "很快" * 30 + "。"], "sentence 5 has 61 characters, at most 40"),
        ([*GOOD[:4], "The model learns to erase its last step。"], "sentence 5 is not in Chinese"),
        ([*GOOD[:4], "这个模型後來學會了。"], "traditional characters, 後來學會"),
        ([*GOOD[:4], "这个模型很快、とても好。"], 'holds "とても"'),
        ([*GOOD[:4], "**这个**模型很快。"], "holds bold or italic markup"),
        ([*GOOD[:4], ""], "sentence 5 is empty"),
    ],
)
def test_what_is_no_simple_chinese_is_sent_back(sentences: list[str], fault: str):
    assert fault in faults(sentences)


def test_hard_words_beyond_the_vocabulary_count_against_a_text():
    text = read(HARD)
    assert len(text.vocabulary) == MOST_VOCABULARY
    assert text.hard
    assert (
        "are HSK 1 to 5 or in a vocabulary of 25 words, 80% are asked: put simpler words in the place of"
        in faults(HARD)
    )


def test_words_beyond_hsk_5_come_into_the_vocabulary_first():
    text = read([*HARD, "我们决定用普通方法解决问题，内容清楚，过程简单。"])
    assert all(word.level is None or word.level > 5 for word in text.vocabulary)


def test_pinyin_of_a_sentence():
    (sentence,) = read(["作者说：它走了 11 步，对不对？"]).sentences
    assert pinyin_of(sentence) == "Zuòzhě shuō: tā zǒu le 11 bù, duì bù duì?"


ORIGINALS = ["模型很快。", "Transformer 很贵。"]


def translated(sentences, meanings, language="ru", words=("模型",)) -> str:
    verdict = translation_verdict(
        sentences,
        meanings,
        language=language,
        originals=ORIGINALS,
        words=words,
        limits={"meaning_characters": 60},
        terms=frozenset(),
    )
    return " ".join(verdict.faults)


RUSSIAN = ["Эта модель работает очень быстро.", "Transformer обходится дорого."]
MEANING = [("模型", "модель")]


@pytest.mark.parametrize(
    ("sentences", "meanings", "fault"),
    [
        (RUSSIAN, MEANING, ""),
        (RUSSIAN[:1], MEANING, "There are 1 translations of 2 sentences"),
        (
            ["The model is very fast.", "The transformer is expensive."],
            MEANING,
            "in the language en, ru is asked",
        ),
        (["Эта модель очень быстрая (快).", RUSSIAN[1]], MEANING, 'holds Chinese, "快"'),
        ([RUSSIAN[0], ""], MEANING, "The translation of sentence 2 is empty"),
        (["Модель drastically быстрее прежней.", RUSSIAN[1]], MEANING, '"drastically"'),
        (RUSSIAN, [], "The meaning of 模型 is missing"),
        (
            RUSSIAN,
            [*MEANING, ("TwinMarket", "TwinMarket")],
            "TwinMarket: none of the words that were given",
        ),
        (RUSSIAN, [("模型", "модель 模型")], "The meaning of 模型 holds Chinese"),
        (RUSSIAN, [("模型", "м" * 90)], "has 90 characters, at most 60"),
        (RUSSIAN, MEANING * 2, "A word is explained twice"),
    ],
)
def test_a_translation_is_whole_and_in_its_language(sentences, meanings, fault):
    found = translated(sentences, meanings)
    assert (found == "") if not fault else (fault in found)
