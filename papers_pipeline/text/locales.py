"""The site's texts in one language, read from `locales/<lang>.toml`.

Every top-level table except `language`, `plurals` and `topics` holds messages: `previous` in table
`day` is the message `day.previous`. `plurals.<key>` holds one form per CLDR plural category:
https://cldr.unicode.org/index/cldr-spec/plural-rules.
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
    """One language of the site.

    `name` and `short` are in the language itself. `html` is its `lang` attribute, `babel` its babel
    identifier. `space` separates sentences, `comma` and `semicolon` separate list items.
    `month_pattern` replaces CLDR's pattern for a month (`LLLL y`).
    """

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
        """The message `key`, such as `day.previous`, with its placeholders filled.

        Raises LookupError, naming key and file, if the message or a placeholder's value is missing.
        """
        if key not in self.messages:
            raise LookupError(f"{self.file}: no message {key!r}")
        return self._filled(key, self.messages[key], values)

    def plural(self, key: str, count: int, **values: object) -> str:
        """The form of `plurals.<key>` for `count`, with `{count}` and other placeholders filled."""
        if key not in self.plurals:
            raise LookupError(f"{self.file}: no plural {key!r}")
        category = babel.Locale.parse(self.babel).plural_form(count)
        return self._filled(
            f"plurals.{key}", self.plurals[key][category], {"count": count, **values}
        )

    def long_date(self, day: date) -> str:
        """A date with its weekday, for use in a sentence: `понедельник, 27 января 2025 г.`."""
        return format_date(day, "full", locale=self.babel)

    def short_date(self, day: date) -> str:
        """A short date: `27 янв. 2025 г.`, `Jan 27, 2025`."""
        return format_date(day, "medium", locale=self.babel)

    def day(self, day: date) -> str:
        """A date without its year: `27 янв.`, `Jan 27`."""
        return format_skeleton("MMMd", day, locale=self.babel)

    def weekday(self, day: date) -> str:
        """A date with its weekday but without its year: `пн, 27 янв.`, `Mon, Jan 27`."""
        return format_skeleton("MMMEd", day, locale=self.babel)

    @cached_property
    def weekdays(self) -> Sequence[str]:
        """Short names of the weekdays, from Monday: `пн`, `Mon`, `周一`."""
        names = get_day_names("abbreviated", "stand-alone", self.babel)
        return [names[number] for number in range(7)]

    def month(self, day: date) -> str:
        """The month of a day, for use on its own: `январь 2025`, `January 2025`."""
        if self.month_pattern:
            return format_date(day, self.month_pattern, locale=self.babel)
        return format_skeleton("yMMMM", day, locale=self.babel)

    def short_month(self, day: date) -> str:
        """The month of a day, short: `янв. 2025 г.`, `Jan 2025`."""
        return format_skeleton("yMMM", day, locale=self.babel)

    def percent(self, share: float) -> str:
        """A share from 0 to 1 as percent with at most one decimal: `12,5 %`, `12.5%`."""
        return format_percent(round(share, 3), locale=self.babel, decimal_quantization=False)

    def percent_of_column(self, share: float) -> str:
        """A share from 0 to 1 as percent with one decimal always, so that columns align."""
        pattern = babel.Locale.parse(self.babel).percent_formats[None].pattern.replace("0", "0.0")
        return format_percent(share, pattern, locale=self.babel)

    def dates(self, first: date, last: date) -> str:
        """A range of days that gives shared parts once: `27 янв. – 2 февр. 2025 г.`."""
        return format_interval(first, last, "yMMMd", locale=self.babel)

    def topic(self, name: str) -> str:
        """A topic's label. An unknown topic is its own name in lower case, with spaces."""
        return self.topics.get(name.lower(), name.lower().replace("_", " "))

    def country(self, code: str) -> str:
        """A country's name by its ISO 3166-1 code: `Швейцария`; an unknown code is its own name."""
        return str(babel.Locale.parse(self.babel).territories.get(code, code))

    def set(self, text: str) -> str:
        """A text in this language with no-break spaces where its typography wants them."""
        return typography.setter(self.code)(text)

    def _filled(self, key: str, message: str, values: Mapping[str, object]) -> str:
        try:
            return message.format_map(values)
        except KeyError as missing:
            raise LookupError(f"{self.file}: message {key!r} needs a value for {missing}") from None


def load_locales(folder: Path, languages: Sequence[str]) -> dict[str, Locale]:
    """The locale of each language, in the given order.

    Raises ValueError, naming the file, if a language has no file or if a plural lacks one of the
    language's plural categories.
    """
    return {language: _load(folder / f"{language}.toml", language) for language in languages}


def _load(file: Path, language: str) -> Locale:
    if not file.is_file():
        raise ValueError(
            f"{language} has a prompt but no texts for the site: write {file} "
            "(start from a copy of en.toml)"
        )
    tables = tomllib.loads(file.read_text(encoding="utf-8"))
    texts = {}
    for table, messages in tables.items():
        if table not in _NOT_MESSAGES:
            for name, message in messages.items():
                texts[f"{table}.{name}"] = message
    locale = Locale(
        code=language,
        file=file,
        messages=texts,
        plurals=tables.get("plurals", {}),
        topics=tables.get("topics", {}),
        **tables["language"],
    )
    needed = {*babel.Locale.parse(locale.babel).plural_form.tags, "other"}
    for key, forms in locale.plurals.items():
        missing = needed - forms.keys()
        if missing:
            raise ValueError(f"{file}: plural {key!r} lacks {', '.join(sorted(missing))}")
    return locale
