"""Link cards show their words whole, in their language's letters, as the same bytes anywhere."""

import logging
from itertools import pairwise

import pymupdf
import pytest

from papers_pipeline.site.drawing import cards
from papers_pipeline.site.drawing.cards import HEIGHT, WIDEST, WIDTH, LinkCard, load_fonts, wrapped

TITLE = (
    "A Unified Framework for Mitigating Hallucinations in Long-Context Reasoning of Large Language "
    "Models " * 2
)
SLOGANS = {
    "ru": "Самосовершенствующиеся мультимодальные агенты учатся предсказывать порывы ветра по "
    "показаниям датчиков и не нуждаются в разметке данных",
    "zh": "大语言模型（LLM）在长上下文推理任务中的“幻觉”问题：一种基于检索增强生成"
    "与强化学习的统一框架，显著提升准确率，并在十二个基准测试中取得最佳成绩",
    "en": "Bridges learn to count the wind",
}


def card(lang: str) -> LinkCard:
    return LinkCard(SLOGANS[lang], TITLE, "Статьи дня", "2 мар. 2026 г.")


@pytest.mark.parametrize("lang", SLOGANS)
def test_a_card_is_a_small_picture_of_its_size_with_a_margin_and_always_the_same(lang):
    data = card(lang).png()
    assert data == card(lang).png()
    assert len(data) < 60_000
    picture = pymupdf.Pixmap(data)
    assert (picture.width, picture.height) == (WIDTH, HEIGHT)
    page = pymupdf.Pixmap(pymupdf.csRGB, picture)
    paper = page.pixel(0, 0)
    margin = [
        (x, y) for x in (*range(0, 76, 5), *range(1125, 1200, 5)) for y in range(0, HEIGHT, 7)
    ]
    margin += [
        (x, y) for x in range(0, WIDTH, 7) for y in (*range(0, 70, 5), *range(600, HEIGHT, 5))
    ]
    assert {page.pixel(*at) for at in margin} == {paper}
    assert any(page.pixel(x, 240) != paper for x in range(WIDTH))


@pytest.mark.parametrize("lang", SLOGANS)
@pytest.mark.parametrize("size", [36, 68])
def test_lines_hold_all_words_and_none_is_wider_than_the_card(lang, size):
    face = load_fonts().slogan
    lines = wrapped(SLOGANS[lang], face, size, 40)
    assert "".join("".join(lines).split()) == "".join(SLOGANS[lang].split())
    assert all(face.width(line, size) <= WIDEST for line in lines)
    assert not any(
        line[0] in "，。：”）" or before[-1] in "（“" for before, line in pairwise(lines)
    )


def test_what_has_no_room_ends_in_an_ellipsis():
    face = load_fonts().slogan
    for text in ("word " * 200, "很" * 500, "W" * 900):
        lines = wrapped(text, face, 36, 5)
        assert len(lines) == 5
        assert lines[-1].endswith("…")
        assert all(face.width(line, 36) <= WIDEST for line in lines)


def test_emoji_and_letters_that_no_font_has_are_left_out():
    assert wrapped("Wind 🌉 and more", load_fonts().slogan, 40, 3) == ["Wind and more"]


def test_a_dash_does_not_begin_a_line_and_a_short_russian_word_does_not_end_one():
    face = load_fonts().slogan
    text = "Ветер — это сила и мост — это датчик со временем и ещё одна — строка — другая " * 3
    for size in range(40, 70, 3):
        lines = wrapped(text, face, size, 40)
        assert not [line for line in lines if line.startswith("—") or line.endswith((" и", " со"))]


def test_a_language_whose_letters_are_absent_has_no_card():
    fonts = load_fonts()
    assert LinkCard("Мосты", None, "每日论文", "Mar 2").can_be_drawn(fonts)
    assert not LinkCard("ཟམ་པ", None, "Papers", "Mar 2").can_be_drawn(fonts)


def test_without_the_fonts_there_is_one_warning(monkeypatch, caplog):
    load_fonts.forget()

    def absent(name: str) -> pymupdf.Font:
        raise ValueError(f"cannot find builtin font with name '{name}'")

    monkeypatch.setattr(pymupdf, "Font", absent)
    with caplog.at_level(logging.WARNING, logger=cards.__name__):
        assert [load_fonts() for _ in range(3)] == [None] * 3
    load_fonts.forget()
    assert [record.getMessage() for record in caplog.records] == [
        "link cards are not drawn, a font is missing (cannot find builtin font with name 'figbo'): "
        "install pymupdf-fonts"
    ]


def test_another_word_makes_another_card():
    changed = [
        LinkCard(*(f"{word}!" if at == place else word for at, word in enumerate("abcd")))
        for place in range(4)
    ]
    assert len({card.fingerprint for card in [LinkCard(*"abcd"), *changed]}) == 5
