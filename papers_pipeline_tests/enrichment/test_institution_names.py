"""A printed string is reduced to institutions, and each form of a name to the usual one."""

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
def test_markers_departments_addresses_and_teams_are_removed(printed: str, cleaned: list[str]):
    assert NAMES.cleaned(printed) == cleaned


@pytest.mark.parametrize(
    ("printed", "fault"),
    [
        ("Example University; Other University", "contains several institutions"),
        ("Example 1CMAP", "contains a marker digit"),
        ("Example University ‡CZ Example", "contains a marker between two institutions"),
        ("A very long story " * 20, "is too long for one institution"),
    ],
)
def test_anything_but_a_single_institution_is_a_fault(printed: str, fault: str):
    assert fault in NAMES.fault(printed)


@pytest.mark.parametrize(
    "printed", ["Example University", "IBM T. J. Watson Research Center", "3M", "École 42"]
)
def test_a_plain_name_passes(printed: str):
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
def test_known_forms_become_the_usual_name_and_others_stay_as_printed(printed: str, usual: str):
    assert NAMES.usual(printed) == usual


def test_every_form_belongs_to_one_usual_name():
    owners: dict[str, set[str]] = {}
    for usual, others in NAMES.names.items():
        for form in (usual, *others):
            owners.setdefault(letters(form), set()).add(usual)
    ambiguous = {form: names for form, names in owners.items() if len(names) > 1}
    assert ambiguous == {}


@pytest.mark.parametrize("usual", NAMES.names)
def test_a_usual_name_is_clean_and_its_own_usual_name(usual: str):
    assert NAMES.cleaned(usual) == [usual]
    assert NAMES.usual(usual) == usual
