"""Names of institutions: a printed string without its address, and the usual form of a name."""

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib.resources import files

import babel
from pydantic import BaseModel, ConfigDict

from papers_pipeline.base.characters import one_line
from papers_pipeline.base.loaded_once import loaded_once

LONGEST = 120
"""The longest printed string, in characters, that can be one institution."""
LONGEST_QUOTE = 40
# A "/" parts two institutions if each side has at least this many characters.
SHORTEST_SIDE = 6

_MARKERS = re.compile(r"^[\W\d_]+|(?:(?<!Inc|Ltd)\.|[\s\d*∗†‡§¶♦✦#^,;:])+$")
_ACRONYM = re.compile(r"\s*\([A-Z][\w&./-]{0,8}[A-Z][\w&./-]{0,8}\)$")
_GLUED_MARKER = re.compile(r"(?<!\w)\d+[A-Z][A-Za-z]+|[a-z]\d+(?=[A-Z\s]|$)")
_INNER_MARKER = re.compile(r"\w\s*[∗†‡§¶♦✦]+\s*\w")
_LEGAL_FORM = re.compile(r"(?i)(?:inc|ltd|llc|corp|co|gmbh|s\.?a|pbc|plc)\.?|co\., ltd\.?")
_DEPARTMENT = re.compile(
    r"(?i)^(?:the )?(?:[\w.&-]+ )?"
    r"(?:department|dept|school|faculty|division|chair|college) (?:of|for)\b"
    r"|^(?:d[ée]partement|fakultät|fachbereich|dipartimento|facultad)\b"
)
_TRAILING_DEPARTMENT = re.compile(
    r"(?<=University)\s+(?:\w+ )?(?:School|College|Faculty|Department|Institute) (?:of|for) .*$"
)
_UNIT = re.compile(
    r"(?i)^(?:the )?(?:[\w.&/-]+ ){0,4}(?:lab|labs|laboratory|center|centre|group|unit)\b"
)
_MAJOR = re.compile(
    r"(?i)universi|hochschule|polytech|politecnico"
    r"|institute of (?:science|technology)|institute for advanced"
    r"|academy of|\beth\b|\bepfl\b|\bkaist\b|\bmit\b|大学|学院$|科学院"
)
_TEAM = re.compile(r"(?i)\bteams?\b")
_POSTCODE = re.compile(r"[A-Z]{0,3}[-\s]?\d[\d\s-]{2,}[A-Z]{0,3}")
_POSTCODE_AT_EDGE = re.compile(r"^[A-Z]{0,2}-?\d{3,}\s+|\s+[A-Z]{0,2}\s?\d{4,}$")
_STATE_CODES = """
    AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY
    NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY DC
"""
_US_STATES = frozenset(_STATE_CODES.split())
# Countries as papers print them where babel has another form; compared by `letters`.
_OTHER_COUNTRY_FORMS = (
    "usa",
    "us",
    "uk",
    "uae",
    "prchina",
    "republicofkorea",
    "southkorea",
    "korea",
    "russia",
    "taiwan",
)
_PREPOSITIONS = ("of", "at", "in", "de")


class InstitutionNames(BaseModel):
    """The contents of `institutions.toml`.

    `names` maps each usual name to its other forms. `systems` are universities with several
    campuses, and `cities` are places that addresses name; both are stored by their `letters`.
    """

    model_config = ConfigDict(frozen=True)

    names: Mapping[str, list[str]]
    systems: frozenset[str]
    cities: frozenset[str]

    @cached_property
    def forms(self) -> Mapping[str, str]:
        """The usual name for every form, keyed by the form's `letters`."""
        usual_names = {}
        for usual, forms in self.names.items():
            for form in (usual, *forms):
                usual_names[letters(form)] = usual
        return usual_names

    def usual(self, printed: str) -> str:
        """The usual name of an institution; an unknown name stays as printed."""
        return self.forms.get(letters(printed), printed)

    def cleaned(self, printed: str) -> list[str]:
        """The institutions in a printed string, without markers, departments, addresses and teams.

        Empty if nothing else is left.
        """
        names: list[str] = []
        for piece in self._pieces(one_line(printed)):
            unmarked = _MARKERS.sub("", piece)
            if len(letters(unmarked)) < 2:  # "3M" would become "M"
                unmarked = piece.strip()
            name = self._without_address(_ACRONYM.sub("", unmarked).strip())
            if name and name not in names:
                names.append(name)
        return names

    def fault(self, printed: str) -> str | None:
        """Why a printed string cannot be one institution, as an instruction to the model.

        None if it can be one.
        """
        advice = "Give each institution as a separate string."
        if len(printed) > LONGEST:
            return f'"{printed[:LONGEST_QUOTE]}…" is too long for one institution. {advice}'
        if ";" in printed or "\n" in printed.strip():
            return f'"{printed}" contains several institutions. {advice}'
        if _INNER_MARKER.search(printed):
            return f'"{printed}" contains a marker between two institutions. {advice}'
        if _GLUED_MARKER.search(printed) and not self._is_known(printed):
            return f'"{printed}" contains a marker digit. Remove it and copy the rest as printed.'
        return None

    def is_place(self, text: str) -> bool:
        """Whether the text is a city, a country, a US state or a postcode.

        A city or state may have its postcode beside it.
        """
        place = text.strip(" .")
        if place in _US_STATES or _POSTCODE.fullmatch(place):
            return True
        state, _, code = place.partition(" ")
        if state in _US_STATES and code.isdigit():
            return True
        without_code = letters(_POSTCODE_AT_EDGE.sub("", place))
        return without_code in self.cities or without_code in _countries()

    def _is_known(self, name: str) -> bool:
        return letters(name) in self.forms

    def _pieces(self, printed: str) -> list[str]:
        """The two sides of "Example Lab/Example University", else the whole string."""
        if self._is_known(printed):
            return [printed]
        sides = [side.strip() for side in printed.split("/")]
        for side in sides:
            if len(side) < SHORTEST_SIDE or " " not in side:
                return [printed]
        return sides if len(sides) > 1 else [printed]

    def _without_address(self, name: str) -> str:
        """The institution of "department, institution, address"; empty if there is none."""
        if self._is_known(name):
            is_team = _TEAM.search(name) and not _MAJOR.search(name)
            return "" if is_team else name
        parts = self._parts(name)
        candidates = []
        for part in parts:
            if not self.is_place(part) and not _TEAM.search(part):
                candidates.append(part)
        institution = self._institution(candidates)
        is_in_us = any(part in _US_STATES for part in parts)
        if is_in_us and institution and not self._is_known(institution):
            institution = self._without_glued_city(institution)
        return _TRAILING_DEPARTMENT.sub("", institution).strip(" ,")

    def _institution(self, parts: Sequence[str]) -> str:
        """The part that names the institution and not a department or a unit of it."""
        for part in parts:
            if self._is_major(part):
                return part
        for part in parts:
            is_department = _DEPARTMENT.match(part)
            is_unit = len(parts) > 1 and _UNIT.match(part)
            if not is_department and not is_unit:
                return part
        # Several departments or units and nothing larger: the last is the largest of them.
        return parts[-1] if len(parts) > 1 else ""

    def _is_major(self, part: str) -> bool:
        if self._is_known(part):
            return True
        return bool(_MAJOR.search(part)) and not _DEPARTMENT.match(part)

    def _parts(self, name: str) -> list[str]:
        """The parts between commas; a campus or a legal form stays with its institution."""
        parts: list[str] = []
        for part in name.split(","):
            part = part.strip()
            if not part:
                continue
            if parts and self._belongs_to(parts[-1], part):
                parts[-1] = f"{parts[-1]}, {part}"
            else:
                parts.append(part)
        return parts

    def _belongs_to(self, institution: str, part: str) -> bool:
        """Whether the part after a comma completes the institution's name before it."""
        if self._is_known(f"{institution}, {part}") or _LEGAL_FORM.fullmatch(part):
            return True
        is_system = letters(institution) in self.systems
        return is_system and not _MAJOR.search(part) and letters(part) not in _countries()

    def _without_glued_city(self, name: str) -> str:
        """The name without a city at its end, as in "Example Institute of Technology Atlanta"."""
        words = name.split()
        for count in (1, 2):
            rest, city = words[:-count], words[-count:]
            if not rest or rest[-1].lower() in _PREPOSITIONS:
                continue
            if letters(" ".join(city)) in self.cities:
                return " ".join(rest)
        return name


def letters(text: str) -> str:
    """The text's letters, without case, accents and a leading "the".

    Two spellings of a name have the same letters, and so have a name with and without markers.
    """
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    only_letters = "".join(sign for sign in decomposed if sign.isalpha())
    if text.casefold().lstrip().startswith("the "):
        return only_letters.removeprefix("the")
    return only_letters


@loaded_once
def load_institution_names() -> InstitutionNames:
    """The packaged names."""
    file = files("papers_pipeline.enrichment") / "institutions.toml"
    tables = tomllib.loads(file.read_text(encoding="utf-8"))
    return InstitutionNames(
        names=tables["names"],
        systems=frozenset(map(letters, tables["systems"]["names"])),
        cities=frozenset(map(letters, tables["places"]["cities"])),
    )


@loaded_once
def _countries() -> frozenset[str]:
    """The letters of every country's English name and of its other printed forms."""
    countries = set(_OTHER_COUNTRY_FORMS)
    for code, name in babel.Locale("en").territories.items():
        if len(code) == 2 and code.isalpha():
            countries.add(letters(name))
    return frozenset(countries)
