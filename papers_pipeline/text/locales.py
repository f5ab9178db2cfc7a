"""The words of the site in one language, read from `locales/<lang>.toml`.

Every top-level table of a file but `language`, `plurals` and `topics` holds messages: `previous` of the table `day` is
the message `day.previous`. `plurals.<key>` holds one form a CLDR category (https://cldr.unicode.org/index/cldr-spec/plural-rules).
"""

import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cached_property
from pathlib import Path

import babel
from babel.dates import format_date, format_interval, format_skeleton, get_day_names
from babel.numbers import format_percent
from pydantic import BaseModel, ConfigDict

from papers_pipeline.text import typography

_NOT_MESSAGES = {"language", "plurals", "topics"}


class Locale(BaseModel):
    """One language: its name in itself and a short form of it, its `lang` attribute, its babel identifier, what stands
    between two sentences and between the items of a list, how it writes a month where not as CLDR does (`LLLL y`), and
    its words."""

    model_config = ConfigDict(frozen=True)

    code: str
    file: Path
    name: str
    short: str | None = None
    html: str
    babel: str
    space: str = " "
    comma: str = ", "
    semicolon: str = "; "
    month_pattern: str | None = None
    messages: Mapping[str, str]
    plurals: Mapping[str, Mapping[str, str]]
    topics: Mapping[str, str]

    def text(self, key: str, **values: object) -> str:
        """The message `key`, e.g. `day.previous`, with its named placeholders filled.

        Raises `LookupError`, naming key and file, for a message that the file lacks or a placeholder without a value.
        """
        if key not in self.messages:
            raise LookupError(f"{self.file}: no message {key!r}")
        return self._filled(key, self.messages[key], values)

    def plural(self, key: str, count: int, **values: object) -> str:
        """The form of `plurals.<key>` that `count` needs in this language, with `{count}` and other values filled."""
        if key not in self.plurals:
            raise LookupError(f"{self.file}: no plural {key!r}")
        category = babel.Locale.parse(self.babel).plural_form(count)
        return self._filled(
            f"plurals.{key}", self.plurals[key][category], {"count": count, **values}
        )

    def long_date(self, day: date) -> str:
        """A date with its weekday, as inside a sentence: `понедельник, 27 января 2025 г.`."""
        return format_date(day, "full", locale=self.babel)

    def short_date(self, day: date) -> str:
        """A date as short as stays plain: `27 янв. 2025 г.`, `Jan 27, 2025`."""
        return format_date(day, "medium", locale=self.babel)

    def day(self, day: date) -> str:
        """A date without its year: `27 янв.`, `Jan 27`."""
        return format_skeleton("MMMd", day, locale=self.babel)

    def weekday(self, day: date) -> str:
        """A date without its year, with its weekday: `пн, 27 янв.`, `Mon, Jan 27`."""
        return format_skeleton("MMMEd", day, locale=self.babel)

    @cached_property
    def weekdays(self) -> Sequence[str]:
        """The days of a week from Monday, as short as stays plain: `пн`, `Mon`, `周一`."""
        names = get_day_names("abbreviated", "stand-alone", self.babel)
        return [names[number] for number in range(7)]

    def month(self, day: date) -> str:
        """The month of a day, as it stands alone: `январь 2025`, `January 2025`."""
        if self.month_pattern:
            return format_date(day, self.month_pattern, locale=self.babel)
        return format_skeleton("yMMMM", day, locale=self.babel)

    def short_month(self, day: date) -> str:
        """The month of a day as short as stays plain: `янв. 2025 г.`, `Jan 2025`."""
        return format_skeleton("yMMM", day, locale=self.babel)

    def percent(self, share: float) -> str:
        """A share with at most one digit behind the comma: `12,5 %`, `12.5%`."""
        return format_percent(round(share, 3), locale=self.babel, decimal_quantization=False)

    def percent_of_column(self, share: float) -> str:
        """A share from 0 to 1 as percent, always with a tenth, so that figures below each other line up."""
        pattern = babel.Locale.parse(self.babel).percent_formats[None].pattern.replace("0", "0.0")
        return format_percent(share, pattern, locale=self.babel)

    def dates(self, first: date, last: date) -> str:
        """From a day to another, saying once what both have: `27 янв. – 2 февр. 2025 г.`."""
        return format_interval(first, last, "yMMMd", locale=self.babel)

    def topic(self, name: str) -> str:
        """A topic's label; for a topic that the file does not know, its name in lower case with spaces."""
        return self.topics.get(name.lower(), name.lower().replace("_", " "))

    def set(self, text: str) -> str:
        """A text in this language with the no-break spaces that its typography asks for."""
        return typography.setter(self.code)(text)

    def _filled(self, key: str, message: str, values: Mapping[str, object]) -> str:
        try:
            return message.format_map(values)
        except KeyError as missing:
            raise LookupError(f"{self.file}: message {key!r} needs a value for {missing}") from None


def load_locales(folder: Path, languages: Sequence[str]) -> dict[str, Locale]:
    """The locale of each language, in the order given.

    Raises `ValueError`, naming the file, for a language without a file and for a plural without one of the categories
    that the language distinguishes.
    """
    return {language: _load(folder / f"{language}.toml", language) for language in languages}


def _load(file: Path, language: str) -> Locale:
    if not file.is_file():
        raise ValueError(
            f"{language} has a prompt but no words for the site: write {file} (start from a copy of en.toml)"
        )
    tables = tomllib.loads(file.read_text(encoding="utf-8"))
    locale = Locale(
        code=language,
        file=file,
        messages={
            f"{table}.{name}": message
            for table, messages in tables.items()
            if table not in _NOT_MESSAGES
            for name, message in messages.items()
        },
        plurals=tables.get("plurals", {}),
        topics=tables.get("topics", {}),
        **tables["language"],
    )
    needed = {*babel.Locale.parse(locale.babel).plural_form.tags, "other"}
    for key, forms in locale.plurals.items():
        if missing := needed - forms.keys():
            raise ValueError(f"{file}: plural {key!r} lacks {', '.join(sorted(missing))}")
    return locale
