"""What an abstract's method and main number are, by rule of thumb."""

import pytest

from papers_pipeline.evaluation.headlines import (
    has_name,
    has_number,
    headline_numbers,
    method_name,
)


@pytest.mark.parametrize(
    ("title", "abstract", "name"),
    [
        ("KettleBench: Listening to Water", "Kettles whistle.", "KettleBench"),
        ("dMoK: Mixtures of Kettles", "Kettles whistle.", "dMoK"),
        ("Pebble: A Small Kettle", "Pebble boils in a minute.", "Pebble"),
        ("Silence: When Kettles Fail", "Kettles whistle.", None),
        ("Boiling Early", "We propose KettleNet, a regressor of sound.", "KettleNet"),
        ("Boiling Early", "We introduce Group Kettle Policies (GKP) for tea.", "GKP"),
        ("Boiling Early", "We present a regressor called Steam-2 for tea.", "Steam-2"),
        ("Boiling Early", "We propose LLM, a language model.", None),
        ("Boiling Early", "KettleNet was known before.", None),
    ],
)
def test_a_method_is_named_by_the_title_or_where_it_is_presented(title, abstract, name):
    assert method_name(title, abstract) == name


def test_main_numbers_stand_in_a_sentence_that_reports_a_result():
    abstract = (
        "Kettles waste 30% of their heat. We record 12 kettles. KettleNet improves warnings by "
        "14.5 points and is 3x faster, at a cost of 2 million samples."
    )
    assert headline_numbers(abstract) == ["14.5 points", "3x", "2 million"]
    assert headline_numbers("We record 12 kettles and reach a good result.") == []


def test_a_text_has_a_number_in_its_own_spelling():
    assert has_number("Предупреждения точнее на 14,5 пункта.", "14.5 points")
    assert has_number("样本有 200 万个。", "2 million")
    assert not has_number("Предупреждения точнее на 15,4 пункта.", "14.5 points")


def test_a_text_has_a_name_whatever_its_hyphens():
    assert has_name("Модель Kettle Net закипает.", "KettleNet")
    assert not has_name("Модель закипает.", "KettleNet")
