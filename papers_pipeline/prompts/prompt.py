"""Prompts: Markdown files with front matter and a Jinja2 body, and a version that is a hash.

The version is part of the key of every purchase: a changed prompt buys its own answers again and no
others.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from papers_pipeline.base.characters import one_line
from papers_pipeline.base.errors import OperatorError
from papers_pipeline.prompts.glossary import GlossaryError, Term, load_glossary, named_in
from papers_pipeline.prompts.model_names import ModelNameError, split_name
from papers_pipeline.prompts.terms import load_terms
from papers_pipeline.prompts.topics import Topic, load_topics, validation_faults

PACKAGED = Path(str(files("papers_pipeline") / "prompts"))
NOTES = "notes"
ASSETS_OF_LANGUAGES = {"summary": "summaries", NOTES: "notes"}
"""The first part of the asset's name for each kind of prompt that has a file per language."""
TRANSLATION = "reading_translation"
FIRST_LANGUAGE = "ru"
WITHOUT_LATEX = frozenset(("title", "abstract"))
"""The variables of a prompt that arXiv's authors wrote for TeX."""


class PromptError(OperatorError):
    """An unusable prompt file; the message names the file, the fault and what to do."""


class Messages(BaseModel):
    """The messages sent to a model."""

    model_config = ConfigDict(frozen=True)

    system: str
    user: str


class Prompt(BaseModel):
    """One prompt file.

    - `models` are asked in order.
    - `output` names the fields of the answer.
    - `limits` are numbers that the template states and the guardrails enforce.
    - `topics` is the closed list, for the prompt that asks for topics.
    - `glossary` is that of the prompt's language; empty if it has none.
    - `into` is the target language of a translation; each language has a copy of the prompt.
    - `most_papers` is how many papers of a day are asked about, if not all. It is a setting.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    schema_: int = Field(alias="schema")
    models: tuple[str, ...] = Field(min_length=1)
    output: tuple[str, ...] = Field(min_length=1)
    temperature: float | None = None
    max_tokens: int = 1000
    limits: dict[str, int] = {}
    into: str | None = None
    most_papers: int | None = None
    template: str = Field(min_length=1)
    topics: tuple[Topic, ...] = ()
    glossary: tuple[Term, ...] = ()

    @property
    def language(self) -> str | None:
        """The language of a summary or of notes; None for other prompts."""
        _, _, language = self.name.partition(".")
        return language if language and self.kind in ASSETS_OF_LANGUAGES else None

    @property
    def kind(self) -> str:
        """The file's name without a language: `summary` for `summary.ru.md`."""
        return self.name.split(".")[0]

    @property
    def asset(self) -> str:
        """The asset that stores the prompt's answers."""
        if self.into:
            return f"{self.name}_{self.into}"
        if self.language:
            return f"{ASSETS_OF_LANGUAGES[self.kind]}_{self.language}"
        return self.name

    @cached_property
    def version(self) -> str:
        """Twelve hex digits over everything that decides the answer.

        That is the normalized template, the parameters, the first model, the schema number, the
        names and scopes of the topics, and the terms of the glossary that the template shows.
        Fallbacks, guardrails, labels and keyword rules are not part of it. Neither is anything a
        library generates: an upgrade would buy the archive again.
        """
        lines = [line.rstrip() for line in self.template.strip().splitlines()]
        parts: dict[str, Any] = {
            "schema": self.schema_,
            "model": self.models[0],
            "output": self.output,
            "temperature": self.temperature,
            "max_tokens": self.max_tokens,
            "limits": self.limits,
            "template": "\n".join(lines),
            "topics": [[topic.name, topic.scope] for topic in self.topics],
        }
        if "glossary" in self.template:
            parts["glossary"] = [[term.term, term.beside, term.write] for term in self._terms]
        return _json_hash(parts)[:12]

    @property
    def _terms(self) -> list[Term]:
        """The glossary without its bans."""
        return [term for term in self.glossary if term.term]

    def messages(self, **prompt_variables: Any) -> Messages:
        """The messages about one paper, with its `title`, `abstract` and so on filled in.

        Title and abstract go in without LaTeX, whichever prompt shows them: a model that reads
        formulas in Unicode writes them so.
        """
        template = _compiled(self.template)
        variables = {
            "limits": self.limits,
            "topics": self.topics,
            "glossary": self._terms,
            **prompt_variables,
        }
        for name in WITHOUT_LATEX & variables.keys():
            variables[name] = without_latex(variables[name])
        context = template.new_context(variables)
        return Messages(
            system="".join(template.blocks["system"](context)).strip(),
            user="".join(template.blocks["user"](context)).strip(),
        )


def input_hash(**prompt_variables: Any) -> str:
    """Sixteen hex digits over the variables of a prompt; white space in texts does not count."""
    normalized = {}
    for name, value in prompt_variables.items():
        normalized[name] = one_line(value) if isinstance(value, str) else value
    return _json_hash(normalized)[:16]


def _json_hash(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def fenced(text: str, name: str) -> str:
    """The text between tags that carry its hash.

    A text cannot contain its own hash, so it cannot close its fence.
    """
    tag = f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    return f"<{tag}>\n{text}\n</{tag}>"


def without_latex(text: str) -> str:
    """The text with its formulas in Unicode."""
    # Loaded only if a prompt is rendered: pylatexenc and latex2mathml take a tenth of a second.
    from papers_pipeline.text.formulas import plain

    return plain(text)


@cache
def _compiled(template: str) -> jinja2.Template:
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, autoescape=False, trim_blocks=True
    )
    environment.filters["fenced"] = fenced
    environment.filters["named_in"] = named_in
    return environment.from_string(template)


class Prompts(BaseModel):
    """All prompts, the closed list of topics, and Latin words that Russian prose may contain."""

    model_config = ConfigDict(frozen=True)

    summaries: tuple[Prompt, ...]
    others: Mapping[str, Prompt]
    translations: tuple[Prompt, ...]
    notes: tuple[Prompt, ...]
    topics: tuple[Topic, ...]
    terms: frozenset[str]

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages of the summaries, in the site's order."""
        return tuple(prompt.language for prompt in self.summaries if prompt.language)

    @property
    def every(self) -> tuple[Prompt, ...]:
        """All prompts, in the order of their assets."""
        return (*self.summaries, *self.others.values(), *self.translations, *self.notes)


def prompts_version(prompts: Prompts) -> str:
    """Twelve hex digits over the versions of all prompts."""
    versions = "\n".join(f"{prompt.asset} {prompt.version}" for prompt in prompts.every)
    return hashlib.sha256(versions.encode()).hexdigest()[:12]


def load_prompts(
    overlay: Path | None = None,
    languages: Sequence[str] = (),
    model: str | None = None,
    packaged: Path = PACKAGED,
    notes_top: int = 0,
) -> Prompts:
    """The packaged prompts; files in `overlay` replace those of the same name or are added.

    `languages` selects and orders the summaries; by default every language with a prompt is
    included, Russian first. A language may have a glossary, `terms.<language>.yaml`. `model`
    replaces every chain. `notes_top` is how many papers of a day get notes on their full text; with
    0 there are no prompts for notes. Raises PromptError for an unusable file or a language without
    a prompt for summaries.
    """
    if overlay is not None and not overlay.is_dir():
        raise PromptError(
            f"PAPERS_PROMPTS_DIR={overlay} is not a folder: name one that exists, or unset it"
        )
    topics = load_topics(_read("topics.yaml", overlay, packaged))
    summaries: dict[str, Prompt] = {}
    notes: dict[str, Prompt] = {}
    others: dict[str, Prompt] = {}
    for name, path in sorted(_prompt_files(overlay, packaged).items()):
        prompt = load_prompt(path, topics, model)
        if not prompt.language:
            others[name] = prompt
            continue
        glossary = _glossary(f"terms.{prompt.language}.yaml", overlay, packaged)
        if prompt.kind == NOTES:
            more = {"glossary": glossary, "most_papers": notes_top}
            notes[prompt.language] = prompt.model_copy(update=more)
        else:
            summaries[prompt.language] = prompt.model_copy(update={"glossary": glossary})
    order = languages or _russian_first(summaries)
    missing = [language for language in order if language not in summaries]
    if missing:
        raise PromptError(
            f"no prompt for {', '.join(missing)}: write prompts/summary.{missing[0]}.md, "
            f"or name in PAPERS_LANGUAGES only {', '.join(sorted(summaries))}"
        )
    translation = others.pop(TRANSLATION, None)
    return Prompts(
        summaries=tuple(summaries[language] for language in order),
        others=others,
        translations=_translations(translation, order) if translation else (),
        notes=tuple(notes[code] for code in order if code in notes) if notes_top else (),
        topics=topics,
        terms=load_terms(_read("terms.txt", overlay, packaged)),
    )


def _prompt_files(overlay: Path | None, packaged: Path) -> dict[str, Path]:
    """The prompt files by name; one in `overlay` replaces the packaged one."""
    files_by_name = {path.stem: path for path in packaged.glob("*.md")}
    if overlay:
        files_by_name |= {path.stem: path for path in overlay.glob("*.md")}
    return files_by_name


def _translations(prompt: Prompt, languages: Iterable[str]) -> tuple[Prompt, ...]:
    """The translation prompt for each language except Chinese."""
    prompts = []
    for language in languages:
        if not is_chinese(language):
            prompts.append(prompt.model_copy(update={"into": language}))
    return tuple(prompts)


def _russian_first(languages: Iterable[str]) -> list[str]:
    return sorted(languages, key=lambda language: (language != FIRST_LANGUAGE, language))


def is_chinese(language: str) -> bool:
    """Whether a language is `zh` or one of its regions, and needs no translation from Chinese."""
    return language.split("-")[0] == "zh"


def _glossary(name: str, overlay: Path | None, packaged: Path) -> tuple[Term, ...]:
    """The entries of a glossary; none if there is no such file."""
    try:
        return load_glossary(_read(name, overlay, packaged))
    except FileNotFoundError:
        return ()
    except GlossaryError as error:
        raise PromptError(f"{name}: {error}") from None


def _read(name: str, overlay: Path | None, packaged: Path) -> str:
    """The text of a file in `overlay` if it is there, else in `packaged`."""
    folder = packaged
    if overlay is not None and (overlay / name).exists():
        folder = overlay
    return (folder / name).read_text(encoding="utf-8")


def load_prompt(path: Path, topics: tuple[Topic, ...] = (), model: str | None = None) -> Prompt:
    """The prompt of one file. `model` replaces its chain. Raises PromptError."""
    parts = path.read_text(encoding="utf-8").split("---\n", 2)
    if len(parts) != 3 or parts[0].strip():
        raise PromptError(f"{path}: a prompt begins with front matter between two lines of ---")
    try:
        front_matter = yaml.load(parts[1], yaml.CSafeLoader)
        if front_matter.pop("topics", False):
            front_matter["topics"] = topics
        fields = {"name": path.stem, "template": parts[2]} | front_matter
        prompt = Prompt.model_validate(fields)
        missing = {"system", "user"} - set(_compiled(prompt.template).blocks)
    except ValidationError as error:
        raise PromptError(f"{path}: {validation_faults(error)}") from None
    except (yaml.YAMLError, AttributeError, jinja2.TemplateError) as error:
        raise PromptError(f"{path}: {error}") from None
    if missing:
        raise PromptError(f"{path}: the template has no block named {' or '.join(sorted(missing))}")
    models = (model,) if model else prompt.models
    try:
        for name in models:
            split_name(name)
    except ModelNameError as error:
        raise PromptError(f"{'PAPERS_MODEL' if model else path}: {error}") from None
    return prompt.model_copy(update={"models": models})
