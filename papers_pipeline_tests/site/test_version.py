"""The version of pages follows the code that makes them, not its wording."""

from papers_pipeline.site.version import code_only

SOURCE = """
def title(paper):
    return paper.title
"""
REWORDED = """
\"\"\"Titles.\"\"\"

# Each paper has one.
def title( paper ):
    \"\"\"The title as printed.\"\"\"

    return paper.title  # never empty
"""


def test_comments_docstrings_and_layout_do_not_count():
    assert code_only(REWORDED) == code_only(SOURCE)


def test_a_string_that_the_code_uses_counts():
    assert code_only('PATH = "a.html"') != code_only('PATH = "b.html"')
    assert code_only("return_value = 1") != code_only("return_value = 2")


def test_a_module_of_docstrings_only_is_empty():
    assert code_only('"""Nothing here."""') == ""
