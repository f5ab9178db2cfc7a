"""A printed institution comes down to its name, and forms of one name to the usual one."""

import pytest

from papers_pipeline.enrichment.institution_names import letters, load_institution_names

NAMES = load_institution_names()


@pytest.mark.parametrize(
    ("printed", "cleaned"),
    [
        (
            "Department of Engineering, University of Cambridge, Cambridge, United Kingdom",
            ["University of Cambridge"],
        ),
        ("School of Software, Tsinghua University", ["Tsinghua University"]),
        ("Gatsby Unit, UCL", ["UCL"]),
        ("University of California, Berkeley, CA, USA", ["University of California, Berkeley"]),
        (
            "The Chinese University of Hong Kong, Shenzhen",
            ["The Chinese University of Hong Kong, Shenzhen"],
        ),
        ("Imperial College London, UK", ["Imperial College London"]),
        ("National University of Singapore, Singapore", ["National University of Singapore"]),
        ("Example Institute of Technology Atlanta, GA, USA", ["Example Institute of Technology"]),
        ("University of Atlanta, GA, USA", ["University of Atlanta"]),
        ("Example University Tandon School of Engineering", ["Example University"]),
        ("1 ETH Zürich∗", ["ETH Zürich"]),
        ("Example University1,2", ["Example University"]),
        ("Institute for Examples (IFE)", ["Institute for Examples"]),
        ("University of Petroleum (East China)", ["University of Petroleum (East China)"]),
        ("Example Robot, Inc.", ["Example Robot, Inc."]),
        ("Example Technologies Co., Ltd.", ["Example Technologies Co., Ltd."]),
        ("Example Lab/Example University", ["Example Lab", "Example University"]),
        ("AI Lab, Example Motors", ["Example Motors"]),
        ("Vision Team, Example Motors", ["Example Motors"]),
        ("3M", ["3M"]),
        ("清华大学", ["清华大学"]),
        ("The Example Team", []),
        ("Beijing", []),
        ("10117 Berlin", []),
        ("Germany", []),
        ("Department of Statistics", []),
        ("", []),
    ],
)
def test_markers_departments_addresses_and_teams_are_left_out(printed: str, cleaned: list[str]):
    assert NAMES.cleaned(printed) == cleaned


@pytest.mark.parametrize(
    ("printed", "told"),
    [
        ("Example University; Other University", "holds several institutions"),
        ("Example 1CMAP", "holds a marker digit"),
        ("Example University ‡CZ Example", "holds a marker between two institutions"),
        ("A very long story " * 20, "is too long for one institution"),
    ],
)
def test_what_is_no_single_institution_is_a_fault(printed: str, told: str):
    assert told in NAMES.fault(printed)


@pytest.mark.parametrize(
    "printed", ["Example University", "IBM T. J. Watson Research Center", "3M", "École 42"]
)
def test_a_plain_name_is_no_fault(printed: str):
    assert NAMES.fault(printed) is None


@pytest.mark.parametrize(
    ("printed", "usual"),
    [
        ("Massachusetts Institute of Technology", "MIT"),
        ("清华大学", "Tsinghua University"),
        ("University of California, Berkeley", "UC Berkeley"),
        ("university of california berkeley", "UC Berkeley"),
        ("École polytechnique fédérale de Lausanne", "EPFL"),
        ("The University of Hong Kong", "HKU"),
        ("Example University", "Example University"),
        ("NTU", "NTU"),
    ],
)
def test_a_known_form_becomes_the_usual_name_and_another_stays(printed: str, usual: str):
    assert NAMES.usual(printed) == usual


def test_no_form_stands_for_two_names_and_every_usual_name_is_clean():
    forms = [letters(form) for usual, others in NAMES.names.items() for form in (usual, *others)]
    doubled = {form for form in forms if forms.count(form) > 1}
    assert {NAMES.forms[form] for form in doubled} == {
        usual
        for usual, others in NAMES.names.items()
        if {letters(form) for form in (usual, *others)} & doubled
    }
    for usual in NAMES.names:
        assert NAMES.cleaned(usual) == [usual]
        assert NAMES.usual(usual) == usual
