"""The bench's arithmetic: lower bounds, sustained rates, tables and the picture."""

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.bounds import Work, lower_bound, sustained_per_minute
from benchmarks.picture import Bar, svg
from benchmarks.reports import BEGIN, END, replace_marked
from benchmarks.scaling import Figures, scaling_table
from benchmarks.scenario import COLD, write_world
from benchmarks.table import Row, cells, markdown

DAY = Work(start_seconds=2.0, days=1, files=100, calls=206, parse_seconds=4.0)


def test_a_bound_is_start_list_slowest_resource_and_last_answer():
    bound = lower_bound(DAY, COLD)
    assert bound.formula == "start 2.0 + list 0.3 + arXiv 25.0 + last answer 3.0"
    assert bound.seconds == pytest.approx(30.3)
    assert lower_bound(replace(DAY, calls=400), COLD).slowest == "models"
    assert lower_bound(replace(DAY, parse_seconds=26.0), COLD).slowest == "parse"


def test_a_day_without_calls_waits_for_no_answer():
    assert lower_bound(Work(start_seconds=2.0, days=1), COLD).formula == "start 2.0 + list 0.3"


def test_a_limit_lets_the_calls_of_a_minute_go_at_once_and_the_next_after_it():
    limited = replace(COLD, model_seconds=0.0, requests_per_minute=300)
    assert lower_bound(Work(start_seconds=0.0, calls=300), limited).seconds == 0.0
    assert lower_bound(Work(start_seconds=0.0, calls=301), limited).seconds == 60.0
    assert lower_bound(Work(start_seconds=0.0, calls=900), limited).seconds == 120.0


def test_a_rate_is_sustained_over_whole_windows_of_the_limit():
    evenly = [second * 0.5 for second in range(260)]
    bursts = [0.0] * 120 + [61.0] * 120 + [122.0] * 40
    one_idle_window = [0.0] * 120 + [122.0] * 40
    assert sustained_per_minute(evenly) == pytest.approx(120)
    assert sustained_per_minute(bursts) == pytest.approx(120 * 60 / 61)
    assert sustained_per_minute(one_idle_window) == pytest.approx(60 * 60 / 61)
    assert sustained_per_minute([0.0] * 120 + [30.0] * 100) is None
    assert sustained_per_minute([]) is None


def test_a_row_shows_median_spread_and_ratios_of_its_repetitions():
    row = Row("cold day", "a bound", old_seconds=900.0)
    for seconds in (50.0, 45.0, 60.0):
        row.add(seconds, 30.0, peak_bytes=400_000_000)
    assert cells(row) == (
        "cold day",
        "50 (45 to 60)",
        "30",
        "1.67 (1.5 to 2) ×",
        "18.0 × faster",
        "400 MB",
    )
    assert Row.from_json(row.as_json()) == row


def test_a_table_replaces_the_one_between_the_marks(tmp_path: Path):
    page = tmp_path / "README.md"
    page.write_text(f"Before.\n{BEGIN}\nold\n{END}\nAfter.\n", encoding="utf-8")
    replace_marked(page, markdown(("row", "seconds"), [("cold", "50")]))
    assert page.read_text(encoding="utf-8") == (
        f"Before.\n{BEGIN}\n| row | seconds |\n|---|--:|\n| cold | 50 |\n{END}\nAfter.\n"
    )


def test_the_picture_has_a_bar_per_asset_and_a_line_at_the_bound():
    drawing = ElementTree.fromstring(svg([Bar("paper_pdfs", 2.0, 14.0)], 40.0, 30.0))
    classes = [element.get("class") for element in drawing.iter()]
    assert classes.count("documents") == 2  # and the legend's
    assert classes.count("bound") == 1


def test_a_longer_list_costs_in_proportion_and_names_what_it_waits_for():
    measured = Figures(0.003, 2.0, 2.0, 0.1, 200.0, 100.0)
    rows = scaling_table(measured, COLD).splitlines()[2:]
    assert [row.split(" | ")[2] for row in rows] == ["3.15", "31.5", "315", "90"]
    assert {row.split(" | ")[5] for row in rows} == {"arXiv"}


def test_no_two_papers_of_a_world_have_the_same_pdf(tmp_path: Path):
    world = write_world(tmp_path / "world", days=2, papers=30)
    contents = {path.read_bytes() for path in world.pdfs}
    assert len(contents) == 30
    assert len(list((world.folder / "hf_api").glob("*.json"))) == 2
