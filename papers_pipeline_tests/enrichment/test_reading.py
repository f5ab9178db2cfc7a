"""A Chinese text gets pinyin, a level, and a vocabulary of the words that learners need."""

from papers_pipeline.enrichment.reading import MOST_VOCABULARY, annotate, pinyin_of
from papers_pipeline_tests.helpers.sentences import HARD_TEXT, SIMPLE_TEXT


def test_vocabulary_explains_the_words_above_hsk_3_in_the_order_of_the_text():
    text = annotate(SIMPLE_TEXT)
    pinyin = {word.text: word.pinyin for sentence in text.sentences for word in sentence.words}
    assert [word.word for word in text.vocabulary][:3] == ["模型", "答案", "作者"]
    for word in text.vocabulary:
        assert word.pinyin == pinyin[word.word]
        assert word.meaning
        assert word.level is None or word.level > 3
    assert text.known_share == 1.0
    assert text.level == 5


def test_a_full_vocabulary_leaves_hard_words_over():
    text = annotate(HARD_TEXT)
    assert len(text.vocabulary) == MOST_VOCABULARY
    assert text.hard


def test_words_above_hsk_5_enter_a_full_vocabulary_first():
    text = annotate([*HARD_TEXT, "我们决定用普通方法解决问题，内容清楚，过程简单。"])
    for word in text.vocabulary:
        assert word.level is None or word.level > 5


def test_pinyin_of_a_sentence_has_latin_punctuation_and_a_capital():
    (sentence,) = annotate(["作者说：它走了 11 步，对不对？"]).sentences
    assert pinyin_of(sentence) == "Zuòzhě shuō: tā zǒu le 11 bù, duì bù duì?"
