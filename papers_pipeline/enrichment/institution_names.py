"""Names of institutions: what a printed one comes to without its address, and under which name it is known."""

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from functools import cache, cached_property
from importlib.resources import files

import babel
from pydantic import BaseModel, ConfigDict

LONGEST = 120
_MARKERS = re.compile(r"^[\W\d_]+|(?:(?<!Inc|Ltd)\.|[\s\d*∗†‡§¶♦✦#^,;:])+$")
_ACRONYM = re.compile(r"\s*\([A-Z][\w&./-]{0,8}[A-Z][\w&./-]{0,8}\)$")
_GLUED_MARKER = re.compile(r"(?<!\w)\d+[A-Z][A-Za-z]+|[a-z]\d+(?=[A-Z\s]|$)")
_INNER_MARKER = re.compile(r"\w\s*[∗†‡§¶♦✦]+\s*\w")
_SUFFIX = re.compile(r"(?i)(?:inc|ltd|llc|corp|co|gmbh|s\.?a|pbc|plc)\.?|co\., ltd\.?")
_DEPARTMENT = re.compile(
    r"(?i)^(?:the )?(?:[\w.&-]+ )?(?:department|dept|school|faculty|division|chair|college) (?:of|for)\b"
    r"|^(?:d[ée]partement|fakultät|fachbereich|dipartimento|facultad)\b"
)
_DEPARTMENT_BEHIND = re.compile(
    r"(?<=University)\s+(?:\w+ )?(?:School|College|Faculty|Department|Institute) (?:of|for) .*$"
)
_UNIT = re.compile(
    r"(?i)^(?:the )?(?:[\w.&/-]+ ){0,4}(?:lab|labs|laboratory|center|centre|group|unit)\b"
)
_MAJOR = re.compile(
    r"(?i)universi|hochschule|polytech|politecnico|institute of (?:science|technology)|institute for advanced"
    r"|academy of|\beth\b|\bepfl\b|\bkaist\b|\bmit\b|大学|学院$|科学院"
)
_TEAM = re.compile(r"(?i)\bteams?\b")
_NUMBER = re.compile(r"[A-Z]{0,3}[-\s]?\d[\d\s-]{2,}[A-Z]{0,3}")
_STATES = """
    AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR PA RI
    SC SD TN TX UT VT VA WA WV WI WY DC
"""
_US_STATES = frozenset(_STATES.split())
_FORMS_OF_COUNTRIES = "usa us uk uae prchina republicofkorea southkorea korea russia taiwan"
_AS_PRINTED = frozenset(_FORMS_OF_COUNTRIES.split())
"""Countries in forms that a list of them does not have, by their letters."""


class InstitutionNames(BaseModel):
    """The file `institutions.toml`: usual names with their other forms, systems of campuses, cities."""

    model_config = ConfigDict(frozen=True)

    names: Mapping[str, list[str]]
    systems: frozenset[str]
    cities: frozenset[str]

    @cached_property
    def forms(self) -> Mapping[str, str]:
        """Every form, by its letters, and the usual name it stands for."""
        return {
            letters(form): usual for usual, forms in self.names.items() for form in (usual, *forms)
        }

    def usual(self, printed: str) -> str:
        """The usual name of an institution; a name that is not known stays as printed."""
        return self.forms.get(letters(printed), printed)

    def cleaned(self, printed: str) -> list[str]:
        """The institutions of one printed string, without markers, departments, addresses and teams; none when nothing
        else is in it."""
        names: list[str] = []
        for piece in self._pieces(" ".join(printed.split())):
            bare = _MARKERS.sub("", piece)
            bare = bare if len(letters(bare)) > 1 else piece.strip()  # 3M is no M
            if name := self._without_address(_ACRONYM.sub("", bare).strip()):
                names.append(name)
        return list(dict.fromkeys(names))

    def fault(self, printed: str) -> str | None:
        """What keeps a printed string from being one institution, as a sentence for the model; None when it can be."""
        if len(printed) > LONGEST:
            return f'"{printed[:40]}…" is too long for one institution: give each in a string of its own.'
        if ";" in printed or "\n" in printed.strip():
            return f'"{printed}" holds several institutions: give each in a string of its own.'
        if _INNER_MARKER.search(printed):
            return f'"{printed}" holds a marker between two institutions: give each in a string of its own.'
        if _GLUED_MARKER.search(printed) and letters(printed) not in self.forms:
            return f'"{printed}" holds a marker digit: leave it out, and give the institution as printed.'
        return None

    def is_place(self, text: str) -> bool:
        """Whether the text is a city, a country, a US state or a postcode, or a city behind a postcode."""
        bare = text.strip(" .")
        if bare in _US_STATES or _NUMBER.fullmatch(bare):
            return True
        without_code = re.sub(r"^[A-Z]{0,2}-?\d{3,}\s+|\s+[A-Z]{0,2}\s?\d{4,}$", "", bare)
        state, _, code = bare.partition(" ")
        if state in _US_STATES and code.isdigit():
            return True
        return letters(without_code) in self.cities | _countries()

    def _pieces(self, printed: str) -> list[str]:
        if letters(printed) in self.forms:
            return [printed]
        sides = [side.strip() for side in printed.split("/")]
        is_pair = len(sides) > 1 and all(len(side) > 5 and (" " in side) for side in sides)
        return sides if is_pair else [printed]

    def _without_address(self, name: str) -> str:
        if letters(name) in self.forms:
            return "" if _TEAM.search(name) and not _MAJOR.search(name) else name
        parts = self._parts(name)
        places = [self.is_place(part) for part in parts]
        kept = [
            part
            for part, place in zip(parts, places, strict=True)
            if not place and not _TEAM.search(part)
        ]
        majors = [part for part in kept if self._is_major(part)]
        if majors:
            kept = majors[:1]
        elif len(kept) > 1:
            larger = [part for part in kept if not (_DEPARTMENT.match(part) or _UNIT.match(part))]
            kept = larger[:1] or kept[-1:]
        elif kept and _DEPARTMENT.match(kept[0]):
            kept = []
        if (
            len(kept) == 1
            and letters(kept[0]) not in self.forms
            and any(part in _US_STATES for part in parts)
        ):
            kept = [self._without_glued_city(kept[0])]
        return _DEPARTMENT_BEHIND.sub("", ", ".join(kept)).strip(" ,")

    def _is_major(self, part: str) -> bool:
        return letters(part) in self.forms or bool(
            _MAJOR.search(part) and not _DEPARTMENT.match(part)
        )

    def _parts(self, name: str) -> list[str]:
        """The parts between commas; a campus or a legal form stays with what it belongs to."""
        parts: list[str] = []
        for part in (part.strip() for part in name.split(",") if part.strip()):
            joined = f"{parts[-1]}, {part}" if parts else ""
            campus = parts and letters(parts[-1]) in self.systems and not _MAJOR.search(part)
            known = joined and letters(joined) in self.forms
            if parts and (
                known or _SUFFIX.fullmatch(part) or (campus and letters(part) not in _countries())
            ):
                parts[-1] = joined
            else:
                parts.append(part)
        return parts

    def _without_glued_city(self, name: str) -> str:
        """ "… Institute of Technology Atlanta" of an address "…, GA, USA"."""
        words = name.split()
        for count in (1, 2):
            city, rest = " ".join(words[-count:]), words[:-count]
            if (
                letters(city) in self.cities
                and rest
                and rest[-1].lower() not in ("of", "at", "in", "de")
            ):
                return " ".join(rest)
        return name


def letters(text: str) -> str:
    """The letters alone, without case and accents, and without a leading article: what two spellings of a name, and a
    printed name and its markers, share."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(sign for sign in plain if sign.isalpha())
    return bare.removeprefix("the") if text.casefold().lstrip().startswith("the ") else bare


@cache
def load_institution_names() -> InstitutionNames:
    """The packaged names."""
    tables = tomllib.loads(
        (files("papers_pipeline.enrichment") / "institutions.toml").read_text(encoding="utf-8")
    )
    return InstitutionNames(
        names=tables["names"],
        systems=frozenset(map(letters, tables["systems"]["names"])),
        cities=frozenset(map(letters, tables["places"]["cities"])),
    )


@cache
def _countries() -> frozenset[str]:
    territories = babel.Locale("en").territories
    named = (name for code, name in territories.items() if len(code) == 2 and code.isalpha())
    return frozenset(map(letters, named)) | _AS_PRINTED
