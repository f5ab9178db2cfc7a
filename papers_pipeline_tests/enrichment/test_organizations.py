"""Organizations from ROR's dump: exact names only, one name an institution, and its country.

The organizations and their ids are invented.
"""

import json

import pytest
from click.testing import CliRunner
from upath import UPath

from papers_pipeline.cli.main import main
from papers_pipeline.enrichment.institution_names import InstitutionNames
from papers_pipeline.enrichment.organizations import (
    FILE,
    Organizations,
    OrganizationsError,
    UsualNames,
    read_dump,
    read_organizations,
    select,
    write_organizations,
)
from papers_pipeline.store.lake import Lake
from papers_pipeline_tests.conftest import Outside, Pipeline, entry
from papers_pipeline_tests.helpers.outside import FEED
from papers_pipeline_tests.helpers.pages import DAY, lake_of, paper
from papers_pipeline_tests.site.index_site import IndexSite, on

COUNTRIES = {"CH": "Switzerland", "US": "United States", "CN": "China"}
NO_EXCEPTIONS = InstitutionNames(names={}, systems=frozenset(), cities=frozenset())


def record(
    number: int,
    display: str,
    country: str = "CH",
    labels: tuple[str, ...] = (),
    aliases: tuple[str, ...] = (),
    acronyms: tuple[str, ...] = (),
    status: str = "active",
) -> dict:
    """An organization as schema 2 of ROR has it, with fields that we do not read."""
    names = [{"value": display, "types": ["label", "ror_display"], "lang": "en"}]
    for kind, values in (("label", labels), ("alias", aliases), ("acronym", acronyms)):
        names += [{"value": value, "types": [kind], "lang": None} for value in values]
    details = {"country_code": country, "country_name": COUNTRIES[country], "name": "A Town"}
    return {
        "id": f"https://ror.org/0invent{number:02}",
        "status": status,
        "names": names,
        "locations": [{"geonames_id": number, "geonames_details": details}],
        "types": ["education"],
        "links": [],
        "established": 1900,
    }


BRIDGES = record(
    1,
    "Institute of Invented Bridges",
    labels=("Institut für erfundene Brücken", "虚构桥梁研究所"),
    aliases=("Invented Bridges", "IIB Bridges & Winds"),
    acronyms=("IIB",),
)
BANKS = record(2, "Invented Institute of Banks", "US", acronyms=("IIB",))
NORTH, NORTH_TOO = (
    record(3, "North University", "US"),
    record(4, "North University", "CN", ("北大学",)),
)
WINDS = record(5, "School of Winds", aliases=("Sample School",))
SAMPLES = record(6, "School of Samples", aliases=("Sample School",))
OLD = record(7, "Old Academy", status="inactive")
RECORDS = (BRIDGES, BANKS, NORTH, NORTH_TOO, WINDS, SAMPLES, OLD)


def dump(tmp_path, *records: dict) -> UPath:
    path = UPath(tmp_path / "ror.json")
    path.write_text(json.dumps(records or RECORDS), encoding="utf-8")
    return path


def selected(
    tmp_path, *printed: str, exceptions: InstitutionNames = NO_EXCEPTIONS
) -> Organizations:
    return select(read_dump(dump(tmp_path)), printed, exceptions)


@pytest.mark.parametrize(
    "printed",
    [
        "Institute of Invented Bridges",
        "The Institute of Invented Bridges",
        "institut fur erfundene brucken",
        "虚构桥梁研究所",
        "Invented-Bridges",
        "IIB Bridges and Winds",
    ],
)
def test_every_name_label_and_alias_leads_to_the_name_that_ror_shows(tmp_path, printed):
    names = UsualNames(NO_EXCEPTIONS, selected(tmp_path, printed))
    assert names.usual(printed) == "Institute of Invented Bridges"
    assert names.countries == {"Institute of Invented Bridges": "CH"}


@pytest.mark.parametrize(
    "printed",
    [
        "IIB",
        "Sample School",
        "North University",
        "Old Academy",
        "Institute of Invented Bridges, Bern",
        "Invented Bridge",
        "Institute of Invented Bridges 2",
    ],
)
def test_what_is_ambiguous_inactive_or_not_exact_stays_as_printed(tmp_path, printed):
    organizations = selected(
        tmp_path, *(record["names"][0]["value"] for record in RECORDS), "北大学"
    )
    assert UsualNames(NO_EXCEPTIONS, organizations).usual(printed) == printed


def test_organizations_of_one_name_get_pages_of_their_own(tmp_path):
    organizations = selected(tmp_path, "北大学")
    names = UsualNames(NO_EXCEPTIONS, organizations)
    assert names.usual("北大学") == "North University (China)"
    again = selected(tmp_path, "North University (China)")
    assert again == organizations


def test_an_organization_of_a_shared_name_and_no_known_country_is_left_out(tmp_path):
    nowhere = {**NORTH_TOO, "locations": []}
    records = read_dump(dump(tmp_path, NORTH, nowhere))
    organizations = select(records, ["北大学"], NO_EXCEPTIONS)
    assert UsualNames(NO_EXCEPTIONS, organizations).usual("北大学") == "北大学"


@pytest.mark.parametrize("printed", ["Sample Works", "Sample Works (Switzerland)"])
def test_a_company_goes_without_the_country_that_ror_puts_behind_it(tmp_path, printed):
    works = record(8, "Sample Works (Switzerland)", labels=("Sample Works",))
    organizations = select(read_dump(dump(tmp_path, works)), [printed], NO_EXCEPTIONS)
    names = UsualNames(NO_EXCEPTIONS, organizations)
    assert names.usual(printed) == "Sample Works"
    assert names.countries == {"Sample Works": "CH"}


def test_a_branch_abroad_keeps_its_country(tmp_path):
    here = record(8, "Sample Works (Switzerland)", labels=("Sample Works",))
    there = record(9, "Sample Works (China)", "CN", labels=("样品厂",))
    records = read_dump(dump(tmp_path, here, there))
    names = UsualNames(NO_EXCEPTIONS, select(records, ["样品厂", "Sample Works"], NO_EXCEPTIONS))
    assert names.countries == {"Sample Works": "CH", "Sample Works (China)": "CN"}


def test_companies_of_one_name_keep_their_countries(tmp_path):
    here = record(8, "Sample Works (Switzerland)", labels=("Sample Works",))
    there = record(9, "Sample Works (China)", "CN", labels=("Sample Works", "样品厂"))
    records = read_dump(dump(tmp_path, here, there))
    names = UsualNames(NO_EXCEPTIONS, select(records, ["样品厂"], NO_EXCEPTIONS))
    assert names.usual("样品厂") == "Sample Works (China)"
    assert names.usual("Sample Works") == "Sample Works"


def test_only_organizations_of_the_printed_names_are_taken(tmp_path):
    organizations = selected(tmp_path, "Invented Bridges", "School of Winds", "Unheard-of Lab")
    ids = [each.id for each in organizations.organizations]
    assert ids == ["https://ror.org/0invent01", "https://ror.org/0invent05"]
    assert "Sample School" not in organizations.organizations[1].forms


def test_an_exception_names_the_organization_that_its_forms_mean(tmp_path):
    exceptions = InstitutionNames(
        names={"Bridge Lab": ["IIB", "Invented Bridges"]}, systems=frozenset(), cities=frozenset()
    )
    names = UsualNames(exceptions, selected(tmp_path, exceptions=exceptions))
    for printed in ("IIB", "Institute of Invented Bridges", "虚构桥梁研究所"):
        assert names.usual(printed) == "Bridge Lab"
    assert names.countries == {"Bridge Lab": "CH"}


def test_an_organization_that_two_exceptions_share_names_neither(tmp_path):
    exceptions = InstitutionNames(
        names={"Bridges": ["Invented Bridges"], "Winds": ["IIB Bridges & Winds"]},
        systems=frozenset(),
        cities=frozenset(),
    )
    names = UsualNames(exceptions, selected(tmp_path, exceptions=exceptions))
    assert names.usual("Invented Bridges") == "Bridges"
    assert names.usual("虚构桥梁研究所") == "Institute of Invented Bridges"


def test_a_file_that_is_no_dump_is_named_with_its_place(tmp_path):
    path = UPath(tmp_path / "ror.json")
    with pytest.raises(OrganizationsError, match="does not exist"):
        read_dump(path)
    path.write_text('[{"id": "https://ror.org/0invent01", "status": "active"}]')
    with pytest.raises(OrganizationsError, match=r"schema 2: 0\.names: Field required"):
        read_dump(path)


def test_a_damaged_or_newer_selection_is_not_taken_for_none(tmp_path):
    lake = Lake(UPath(tmp_path))
    assert read_organizations(lake) == Organizations()
    write_organizations(lake, Organizations(format=2))
    with pytest.raises(OrganizationsError, match="newer release"):
        read_organizations(lake)
    (lake.root / FILE).write_text("{")
    with pytest.raises(OrganizationsError, match="damaged"):
        read_organizations(lake)


def test_the_command_takes_the_institutions_of_the_stored_days(tmp_path, monkeypatch):
    monkeypatch.setenv("PAPERS_DATA_DIR", str(tmp_path))
    lake = lake_of(tmp_path, (DAY, [paper(institutions=["Invented Bridges", "Unheard-of Lab"])]))
    result = CliRunner().invoke(main, ["import-ror", str(dump(tmp_path))])
    assert result.output == "1 organizations; 1 of 2 names of the stored days are theirs\n"
    assert [each.name for each in read_organizations(lake).organizations] == [
        "Institute of Invented Bridges"
    ]
    assert FILE not in CliRunner().invoke(main, ["verify"]).output


def test_the_country_is_on_the_institutions_page_in_each_language(tmp_path):
    site = IndexSite(tmp_path)
    name = "Institute of Invented Bridges"
    days = {DAY: [on(DAY, "2602.00001", institutions=[name]), on(DAY, "2602.00002")]}
    site.write(days)
    page = "i/institute-of-invented-bridges.html"
    assert "Switzerland" not in site.read(f"en/{page}")
    write_organizations(lake_of(tmp_path), selected(tmp_path, name))
    assert f"en/{page}" in site.write(days)
    assert "Institution · Switzerland · 2" in site.read(f"en/{page}")
    assert "Швейцария" in site.read(f"ru/{page}")
    assert "瑞士" in site.read(f"zh/{page}")


def test_a_day_built_after_the_import_shows_the_name_of_the_registry(
    outside: Outside, pipeline: Pipeline
):
    day = "2026-03-02"
    outside.list(day, [entry("2603.10001", organization={"name": "Invented Bridges"})])
    pipeline.build(day, only=(*FEED, "daily_issue"))
    assert pipeline.issue(day).papers[0].institutions == ["Invented Bridges"]
    folder = UPath(pipeline.data)
    write_organizations(Lake(folder / "lake"), selected(folder, "Invented Bridges"))
    pipeline.build(day, only=("daily_issue",))
    assert pipeline.issue(day).papers[0].institutions == ["Institute of Invented Bridges"]
