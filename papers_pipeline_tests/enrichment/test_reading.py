"""A Chinese text gets pinyin, a level, and a vocabulary of the words that learners need."""

import pytest

from papers_pipeline.enrichment.reading import annotate, pinyin_of
from papers_pipeline_tests.helpers.sentences import GRADED, HARD_TEXT, SIMPLE_TEXT


def test_vocabulary_explains_the_hardest_words_in_the_order_of_the_text():
    text = annotate(SIMPLE_TEXT)
    pinyin = {word.text: word.pinyin for sentence in text.sentences for word in sentence.words}
    words = [word.word for word in text.vocabulary]
    assert words[:3] == ["模型", "答案", "作者"]
    assert set(text.hard) <= set(words)
    for word in text.vocabulary:
        assert word.pinyin == pinyin[word.word]
        assert word.meaning
        assert word.level is None or word.level > 3
    assert text.level == 5


@pytest.mark.parametrize("name", GRADED)
def test_a_text_for_learners_has_a_vocabulary_of_10_to_12_words(name: str):
    text = annotate(GRADED[name])
    assert 10 <= len(text.vocabulary) <= 12
    assert all(word.meaning for word in text.vocabulary)


def test_a_vocabulary_explains_every_word_above_hsk_5():
    text = annotate([*HARD_TEXT, "我们决定用普通方法解决问题，内容清楚，过程简单。"])
    assert [word.word for word in text.vocabulary] == text.hard
    assert len(text.hard) > 12


def test_simple_words_are_counted_among_those_in_the_syllabus():
    # 模型 is HSK 6, 词元 is in no list, and 很 and 快 are HSK 1.
    text = annotate(["模型很快，词元很快。"])
    assert text.simple_share == 4 / 5
    assert text.hard == ["模型", "词元"]


def test_pinyin_of_a_sentence_has_latin_punctuation_and_a_capital():
    (sentence,) = annotate(["作者说：它走了 11 步，对不对？"]).sentences
    assert pinyin_of(sentence) == "Zuòzhě shuō: tā zǒu le 11 bù, duì bù duì?"
