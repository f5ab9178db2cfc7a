"""Authors of one name are told apart by their co-authors, and by nothing else."""

from itertools import permutations

import pytest

from papers_pipeline.site.people import AuthoredPaper, People

WEI = "Wei Example"


def people(*papers: tuple[str, ...]) -> People:
    """The people of papers, oldest first. A paper's id is its number, from 1."""
    return People(AuthoredPaper(str(number), names) for number, names in enumerate(papers, 1))


def found(*papers: tuple[str, ...], name: str = "wei-example") -> dict[str, list[str]]:
    """The papers of each person of a name."""
    made = {}
    for person in people(*papers):
        if person.name == name:
            made[person.key] = list(person.papers)
    return made


def test_papers_that_share_another_author_are_one_persons():
    assert found((WEI, "Ada"), ("Ada", WEI, "Bo")) == {"wei-example": ["1", "2"]}


def test_papers_without_a_common_coauthor_are_not():
    assert found((WEI, "Ada"), (WEI, "Bo"), (WEI,), (WEI,)) == {}


def test_a_paper_joins_two_others():
    assert found((WEI, "Ada"), (WEI, "Bo"), (WEI, "Bo", "Ada")) == {"wei-example": ["1", "2", "3"]}


def test_two_people_of_a_name_have_a_page_each_and_know_of_each_other():
    made = people((WEI, "Ada"), (WEI, "Bo"), (WEI, "Bo"), (WEI, "Ada"))
    first, second = [person for person in made if person.name == "wei-example"]
    assert (first.key, first.papers) == ("wei-example", ["2", "3"])  # was the first with two papers
    assert (second.key, second.papers) == ("wei-example_2", ["1", "4"])
    assert made.namesakes(first) == [second]
    assert made.keys("1", [WEI, "Ada", "Nobody"]) == {WEI: "wei-example_2", "Ada": "ada"}


def test_names_are_alike_whatever_their_case_and_accents():
    assert found(("Wéi EXAMPLE", "Ada"), ("wei example", "ADA")) == {"wei-example": ["1", "2"]}


def test_a_name_that_a_paper_has_twice_is_nobodys():
    assert found((WEI, WEI, "Ada"), (WEI, "Ada"), (WEI, "Ada")) == {"wei-example": ["2", "3"]}
    assert found(("Ada", "Ada", WEI), ("Ada", WEI)) == {}


@pytest.mark.parametrize("nameless", ["", "—", "\x00"])
def test_a_name_without_letters_is_nobodys(nameless: str):
    assert list(people((nameless,), (nameless,), (nameless,))) == []
    assert found((nameless, WEI), (nameless, WEI)) == {}


def test_a_newer_paper_changes_no_address():
    papers = [(WEI, "Ada"), (WEI, "Bo"), (WEI, "Bo"), (WEI, "Ada"), (WEI, "Cy"), (WEI, "Cy")]
    known: dict[str, str] = {}
    for number in range(1, len(papers) + 1):
        keys = {key: ids[0] for key, ids in found(*papers[:number]).items()}
        assert keys.items() >= known.items()
        known = keys
    assert known == {"wei-example": "2", "wei-example_2": "1", "wei-example_3": "5"}


def test_people_who_turn_out_to_be_one_keep_both_addresses():
    apart = [(WEI, "Ada"), (WEI, "Ada"), (WEI, "Bo"), (WEI, "Bo")]
    (one,) = [
        person for person in people(*apart, (WEI, "Ada", "Bo")) if person.name == "wei-example"
    ]
    assert (one.key, one.former, len(one.papers)) == ("wei-example", ["wei-example_2"], 5)
    assert "wei-example_2" in found(*apart)


def test_the_order_of_the_papers_decides_about_addresses_only():
    papers = [(WEI, "Ada"), (WEI, "Bo"), (WEI, "Bo", "Cy"), (WEI, "Ada", "Dee"), (WEI, "Eve")]
    for order in permutations(papers):
        groups = set()
        for ids in found(*order).values():
            groups.add(frozenset(order[int(number) - 1] for number in ids))
        assert groups == {
            frozenset({(WEI, "Ada"), (WEI, "Ada", "Dee")}),
            frozenset({(WEI, "Bo"), (WEI, "Bo", "Cy")}),
        }


def test_only_the_names_that_are_asked_for_are_told_apart():
    papers = [AuthoredPaper("1", (WEI, "Ada")), AuthoredPaper("2", (WEI, "Ada"))]
    assert [person.key for person in People(papers, only={"ada"})] == ["ada"]
