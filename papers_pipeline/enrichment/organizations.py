"""Organizations of the Research Organization Registry (ROR, https://ror.org, CC0): one name for all
spellings of an institution, and its country.

`papers import-ror` selects them from ROR's dump, which has a hundred thousand. `institutions.toml`
stays for what ROR does not have or names otherwise.
"""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from upath import UPath

from papers_pipeline.base.errors import OperatorError
from papers_pipeline.enrichment.institution_names import InstitutionNames, letters
from papers_pipeline.store import files as storage
from papers_pipeline.store.lake import Lake

FILE = "organizations.json"
"""The selected organizations, in the lake's folder."""
IMPORT = "papers import-ror"
FORMAT = 1


class OrganizationsError(OperatorError):
    """A dump or a file of organizations that cannot be read."""


class Organization(BaseModel):
    """An organization: its ROR id, its name on our pages, and its country (ISO 3166-1 alpha-2).

    `forms` are its names, labels and aliases in ROR, without those that other organizations share.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    country: str | None = None
    forms: list[str]


class Organizations(BaseModel):
    """The contents of `organizations.json`."""

    model_config = ConfigDict(frozen=True)

    format: int = FORMAT
    organizations: list[Organization] = []

    def match(self, printed: str) -> Organization | None:
        """The organization that has exactly this name, apart from case, accents and punctuation."""
        return self._by_form.get(form_key(printed))

    @cached_property
    def _by_form(self) -> Mapping[str, Organization]:
        found = {}
        for organization in self.organizations:
            for form in (organization.name, *organization.forms):
                found[form_key(form)] = organization
        return found


class UsualNames:
    """The name under which pages show an institution, whatever a paper prints.

    A name of `institutions.toml` comes first, so that pages keep their addresses. ROR's other
    spellings of such an institution lead to that name too.
    """

    def __init__(self, exceptions: InstitutionNames, organizations: Organizations) -> None:
        self._exceptions = exceptions
        self._organizations = organizations
        self._usual_by_id = _usual_by_id(exceptions, organizations)

    def usual(self, printed: str) -> str:
        """The usual name of an institution; an unknown name stays as printed."""
        known = self._exceptions.forms.get(letters(printed))
        if known:
            return known
        organization = self._organizations.match(printed)
        if organization is None:
            return printed
        return self._name(organization)

    @cached_property
    def countries(self) -> Mapping[str, str]:
        """The country's code of each institution that ROR has, by its usual name."""
        countries = {}
        for organization in self._organizations.organizations:
            if organization.country:
                countries[self._name(organization)] = organization.country
        return countries

    def _name(self, organization: Organization) -> str:
        return self._usual_by_id.get(organization.id, organization.name)


class RorName(BaseModel):
    """A name in ROR. `types` are of `ror_display`, `label`, `alias` and `acronym`."""

    value: str
    types: list[str]

    @property
    def is_acronym(self) -> bool:
        """Whether it is nothing but an acronym: many organizations share one."""
        return self.types == ["acronym"]


class GeonamesDetails(BaseModel):
    """The country of a place in ROR."""

    country_code: str | None = None
    country_name: str | None = None


class RorLocation(BaseModel):
    """A place of an organization in ROR."""

    geonames_details: GeonamesDetails = GeonamesDetails()


class RorRecord(BaseModel):
    """What we need of a record in ROR's schema 2: https://ror.readme.io/docs/ror-data-structure."""

    id: str
    status: str
    names: list[RorName]
    locations: list[RorLocation] = []

    @property
    def display(self) -> str:
        """The name that ROR shows."""
        for name in self.names:
            if "ror_display" in name.types:
                return name.value
        return self.names[0].value

    @property
    def country(self) -> GeonamesDetails:
        """The country of its first place."""
        return self.locations[0].geonames_details if self.locations else GeonamesDetails()


def form_key(text: str) -> str:
    """The text's letters and digits, without case, accents and a leading "the"."""
    decomposed = unicodedata.normalize("NFKD", text.casefold().replace("&", " and ").strip())
    return "".join(sign for sign in decomposed.removeprefix("the ") if sign.isalnum())


def usual_names(exceptions: InstitutionNames, lake: Lake) -> UsualNames:
    """The usual names with the organizations that were imported, if any. Raises OperatorError."""
    return UsualNames(exceptions, read_organizations(lake))


def read_organizations(lake: Lake) -> Organizations:
    """The imported organizations; none before the first import. Raises OrganizationsError."""
    path = lake.root / FILE
    data = storage.read(path)
    if data is None:
        return Organizations()
    try:
        organizations = Organizations.model_validate_json(data)
    except ValidationError:
        raise OrganizationsError(f"{path} is damaged: delete it and run `{IMPORT}`") from None
    if organizations.format > FORMAT:
        raise OrganizationsError(f"{path} is of a newer release: run `{IMPORT}` to write it anew")
    return organizations


def read_dump(path: UPath) -> list[RorRecord]:
    """The active organizations of a dump in ROR's schema 2. Raises OrganizationsError."""
    data = storage.read(path)
    if data is None:
        raise OrganizationsError(f"{path} does not exist")
    try:
        records = TypeAdapter(list[RorRecord]).validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise OrganizationsError(
            f"{path} is no JSON dump of ROR's schema 2: {place}: {first['msg']}"
        ) from None
    return [record for record in records if record.status == "active" and record.names]


def select(
    records: Sequence[RorRecord], printed: Iterable[str], exceptions: InstitutionNames
) -> Organizations:
    """The organizations that have one of the printed names, or one of `institutions.toml`.

    A name that several organizations share selects none of them, be it an acronym of the other.
    Names that stand for nothing but an acronym are left out.
    """
    ids_of_form = _ids_of_form(records)
    wanted = set(map(form_key, printed))
    for usual, others in exceptions.names.items():
        wanted.update(map(form_key, (usual, *others)))
    selected = []
    for record in records:
        organization = _organization(record, ids_of_form)
        known = map(form_key, (organization.name, *organization.forms))
        if not wanted.isdisjoint(known):
            selected.append(organization)
    selected.sort(key=lambda organization: organization.id)
    return Organizations(organizations=_with_own_names(selected, ids_of_form))


def write_organizations(lake: Lake, organizations: Organizations) -> bool:
    """Store the organizations; returns whether the file changed."""
    data = organizations.model_dump_json(indent=1).encode() + b"\n"
    return storage.write(lake.root / FILE, data)


def _usual_by_id(exceptions: InstitutionNames, organizations: Organizations) -> dict[str, str]:
    """The name in `institutions.toml` of each organization that exactly one name there means."""
    names_of_id: dict[str, list[str]] = defaultdict(list)
    for usual, others in exceptions.names.items():
        ids = set()
        for form in (usual, *others):
            organization = organizations.match(form)
            if organization:
                ids.add(organization.id)
        if len(ids) == 1:
            names_of_id[ids.pop()].append(usual)
    return {key: names[0] for key, names in names_of_id.items() if len(names) == 1}


def _ids_of_form(records: Iterable[RorRecord]) -> dict[str, set[str]]:
    ids: dict[str, set[str]] = defaultdict(set)
    for record in records:
        for name in record.names:
            ids[form_key(name.value)].add(record.id)
    return ids


def _organization(record: RorRecord, ids_of_form: Mapping[str, set[str]]) -> Organization:
    """The organization. Its name says the country only if it needs it.

    ROR shows a company as "Sample Works (Japan)", and often has the plain name beside it. Where
    others have that too, or the organization has not, the country stays.
    """
    forms = set()
    for name in record.names:
        if not name.is_acronym and len(ids_of_form[form_key(name.value)]) == 1:
            forms.add(name.value)
    country = record.country
    shown = record.display
    plain = shown.removesuffix(f" ({country.country_name})")
    if plain in forms:
        shown = plain
    if len(ids_of_form[form_key(shown)]) > 1 and country.country_name:
        shown = f"{shown} ({country.country_name})"
    return Organization(id=record.id, name=shown, country=country.country_code, forms=sorted(forms))


def _with_own_names(
    organizations: Sequence[Organization], ids_of_form: Mapping[str, set[str]]
) -> list[Organization]:
    """Those whose name no other organization has: they would share a page."""
    times = Counter(form_key(organization.name) for organization in organizations)
    own = []
    for organization in organizations:
        key = form_key(organization.name)
        if times[key] == 1 and ids_of_form.get(key, set()) <= {organization.id}:
            own.append(organization)
    return own
