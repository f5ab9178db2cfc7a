"""Every language has the same texts, and a missing text is an error, never a gap on a page."""

import re
from datetime import date
from pathlib import Path

import pytest

from papers_pipeline.prompts.prompt import load_prompts
from papers_pipeline.text.locales import Locale, load_locales

LOCALES = Path(__file__).parents[2] / "papers_pipeline" / "locales"
LANGUAGES = ("ru", "en", "zh")
PLACEHOLDER = re.compile(r"\{(\w+)\}")


@pytest.fixture(scope="module")
def locales() -> dict[str, Locale]:
    return load_locales(LOCALES, LANGUAGES)


@pytest.fixture(scope="module")
def every_locale() -> dict[str, Locale]:
    """All languages of the site, those added later too."""
    return load_locales(LOCALES, load_prompts().languages)


def test_every_language_has_the_same_messages_plurals_and_topics(every_locale):
    english = every_locale["en"]
    for locale in every_locale.values():
        assert locale.messages.keys() == english.messages.keys(), locale.code
        assert locale.plurals.keys() == english.plurals.keys(), locale.code
        assert locale.topics.keys() == english.topics.keys(), locale.code
    assert english.topics.keys() == {topic.slug for topic in load_prompts().topics}


def test_messages_have_the_same_placeholders_in_every_language(every_locale):
    english = every_locale["en"]
    for locale in every_locale.values():
        for key, message in locale.messages.items():
            expected = set(PLACEHOLDER.findall(english.messages[key]))
            assert set(PLACEHOLDER.findall(message)) == expected, (locale.code, key)
        for key, forms in locale.plurals.items():
            for category, message in forms.items():
                assert PLACEHOLDER.findall(message) == ["count"], (locale.code, key, category)


def test_messages_have_no_markup_as_some_are_attributes(every_locale):
    for locale in every_locale.values():
        words = list(locale.messages.values())
        for forms in locale.plurals.values():
            words += forms.values()
        assert [word for word in words if re.search(r"[<>&\"]", word)] == []
        assert all(word.strip() == word != "" for word in words)


def test_languages_are_named_in_themselves(locales):
    assert [(locale.name, locale.html, locale.babel) for locale in locales.values()] == [
        ("Русский", "ru", "ru"),
        ("English", "en", "en"),
        ("中文", "zh-Hans", "zh_Hans"),
    ]


@pytest.mark.parametrize(
    ("count", "russian", "english", "chinese"),
    [
        (0, "0 статей", "0 papers", "0 篇论文"),
        (1, "1 статья", "1 paper", "1 篇论文"),
        (2, "2 статьи", "2 papers", "2 篇论文"),
        (5, "5 статей", "5 papers", "5 篇论文"),
        (11, "11 статей", "11 papers", "11 篇论文"),
        (21, "21 статья", "21 papers", "21 篇论文"),
        (100, "100 статей", "100 papers", "100 篇论文"),
    ],
)
def test_plurals_have_the_right_form(locales, count, russian, english, chinese):
    assert [locales[lang].plural("papers", count) for lang in LANGUAGES] == [
        russian,
        english,
        chinese,
    ]


def test_dates_read_as_in_the_language(locales):
    day = date(2025, 1, 27)
    long = {lang: locale.long_date(day) for lang, locale in locales.items()}
    assert long == {
        "ru": "понедельник, 27 января 2025\N{NARROW NO-BREAK SPACE}г.",
        "en": "Monday, January 27, 2025",
        "zh": "2025年1月27日星期一",
    }
    short = {lang: locale.short_date(day) for lang, locale in locales.items()}
    assert short == {
        "ru": "27 янв. 2025\N{NARROW NO-BREAK SPACE}г.",
        "en": "Jan 27, 2025",
        "zh": "2025年1月27日",
    }


def test_months_and_days_stand_alone_as_in_the_language(locales):
    narrow, thin = "\N{NARROW NO-BREAK SPACE}", "\N{THIN SPACE}"
    september, monday, sunday = date(2026, 9, 1), date(2026, 3, 30), date(2026, 4, 5)
    assert {lang: locale.month(september) for lang, locale in locales.items()} == {
        "ru": "сентябрь 2026",
        "en": "September 2026",
        "zh": "2026年9月",
    }
    assert {lang: locale.day(monday) for lang, locale in locales.items()} == {
        "ru": "30 мар.",
        "en": "Mar 30",
        "zh": "3月30日",
    }
    assert {lang: locale.weekday(monday) for lang, locale in locales.items()} == {
        "ru": "пн, 30 мар.",
        "en": "Mon, Mar 30",
        "zh": "3月30日周一",
    }
    assert {lang: locale.dates(monday, sunday) for lang, locale in locales.items()} == {
        "ru": f"30 мар. – 5 апр. 2026{narrow}г.",
        "en": f"Mar 30{thin}–{thin}Apr 5, 2026",
        "zh": "2026年3月30日至4月5日",
    }


def test_topic_has_a_label_and_an_unknown_one_its_name(locales):
    assert [locales[lang].topic("rl") for lang in LANGUAGES] == [
        "Обучение с подкреплением",
        "Reinforcement learning",
        "强化学习",
    ]
    assert locales["en"].topic("3D") == "3D"
    assert locales["ru"].topic("Quantum_Computing") == "quantum computing"


def test_missing_message_is_named_with_its_file(locales):
    with pytest.raises(LookupError, match=r"ru\.toml: no message 'day\.nonsense'"):
        locales["ru"].text("day.nonsense")
    with pytest.raises(LookupError, match=r"zh\.toml: no plural 'nonsense'"):
        locales["zh"].plural("nonsense", 2)


def test_message_without_a_value_for_its_placeholder_is_named(locales):
    with pytest.raises(
        LookupError,
        match=r"en\.toml: message 'text\.hf_ai_summary_model' needs a value for 'model'",
    ):
        locales["en"].text("text.hf_ai_summary_model")


def test_values_are_inserted_unchanged(locales):
    said = locales["en"].text("text.hf_ai_summary_model", model="{odd}")
    assert said == "Hugging Face’s own AI summary, written by {odd}."


def test_language_without_a_file_says_which_to_write(tmp_path):
    with pytest.raises(ValueError, match=r"es has a prompt .*write .*es\.toml"):
        load_locales(tmp_path, ["es"])


def test_plural_without_a_category_of_its_language_is_refused(tmp_path):
    (tmp_path / "pl.toml").write_text(
        '[language]\nname = "Polski"\nhtml = "pl"\nbabel = "pl"\n'
        '[plurals.papers]\none = "{count}"\nother = "{count}"\n'
    )
    with pytest.raises(ValueError, match=r"pl\.toml: plural 'papers' lacks few, many"):
        load_locales(tmp_path, ["pl"])
