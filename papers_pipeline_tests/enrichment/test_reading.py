"""A Chinese text gets pinyin, a level, and a vocabulary of the words that learners need."""

from papers_pipeline.enrichment.reading import MOST_VOCABULARY, annotate, pinyin_of

SIMPLE_TEXT = [
    "很多模型只看最后的答案对不对。",
    "作者让模型学会一个新动作：擦掉上一步。",
    "如果擦掉以后更容易成功，模型就会得到奖励。",
    "这个 7B 模型答对了 63.5% 的题。",
    "不过，要是它选错了方法，常常得走很多步才能发现。",
]
HARD_TEXT = [
    "张量秩趋于坍缩，诱发梯度湮灭。",
    "稠密算子黏附于残差流形之畔。",
    "谱隙湮没，遂致熵增溃散。",
    "拓扑缺陷衍生涡旋，裹挟噪声弥散。",
    "正则项羸弱，难遏过拟合肆虐。",
    "湍流模态蛰伏于隐匿子空间。",
    "嬗变的先验褫夺后验的裁量。",
    "黎曼曲率撼动测地线之稳恒。",
]


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
