"""Lines break where readers of a language expect it."""

import pytest

from papers_pipeline.text.typography import NO_BREAK, setter


@pytest.mark.parametrize(
    ("text", "glued"),
    [
        ("Модель в словаре и не в нём", "Модель в·словаре и·не·в·нём"),
        ("В начале: он и она", "В·начале: он·и·она"),
        ("то же самое бы", "то·же самое·бы"),
        ("Мост — это дорога, а дорога – это мост", "Мост·— это дорога, а·дорога·– это мост"),
        ("34 % из 10 000 и 25 статей", "34·% из·10·000 и·25·статей"),
        ("с 34% до 7,6 %", "с·34·% до·7,6·%"),
        ("№ 5 и § 7", "№·5 и·§·7"),
        ("80 GB, 5 ms, 24 UTC", "80·GB, 5·ms, 24·UTC"),
        ("и т. д., и т. п., т. е. так", "и·т.·д., и·т.·п., т.·е. так"),
        ("из-за моста и кто-то", "из-за моста и·кто-то"),
        ("BERT и GPT-4 из статьи", "BERT и·GPT-4 из·статьи"),
    ],
)
def test_russian(text: str, glued: str):
    assert setter("ru")(text).replace(NO_BREAK, "·") == glued


def test_only_spaces_change():
    text = 'Он сказал: "в 5 % случаев — да", и т. д.\nИ ушёл.'
    assert setter("ru")(text).replace(NO_BREAK, " ") == text


@pytest.mark.parametrize("language", ["en", "zh", "es"])
def test_texts_in_other_languages_stay_unchanged(language: str):
    text = "在 5 个任务上，提升 3 % — a b."
    assert setter(language)(text) == text
