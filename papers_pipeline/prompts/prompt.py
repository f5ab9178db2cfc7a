"""Prompts: one Markdown file each, with front matter and a Jinja2 body, and a version that is a hash of what is asked.

The version is part of every cache key, so a changed prompt buys its own answers anew and no others.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from papers_pipeline.base.errors import OperatorError
from papers_pipeline.prompts.model_names import ModelNameError, split_name
from papers_pipeline.prompts.terms import load_terms
from papers_pipeline.prompts.topics import Topic, load_topics

PACKAGED = Path(str(files("papers_pipeline") / "prompts"))
SUMMARY = "summary."
TRANSLATION = "reading_translation"
FIRST_LANGUAGE = "ru"


class PromptError(OperatorError):
    """A prompt file that cannot be used; the message names the file, its fault and the way out."""


class Messages(BaseModel):
    """What is sent to a model."""

    model_config = ConfigDict(frozen=True)

    system: str
    user: str


class Prompt(BaseModel):
    """One prompt file. ``models`` is tried in order; ``output`` names the fields of the answer; ``limits`` are numbers
    that the template states and the guardrails hold; ``topics`` is the closed list, for the prompt that asks for it;
    ``into`` is the language that a translation's prompt is used for, one copy of the prompt a language."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    schema_: int = Field(alias="schema")
    models: tuple[str, ...] = Field(min_length=1)
    output: tuple[str, ...] = Field(min_length=1)
    temperature: float | None = None
    max_tokens: int = 1000
    limits: dict[str, int] = {}
    into: str | None = None
    template: str = Field(min_length=1)
    topics: tuple[Topic, ...] = ()

    @property
    def language(self) -> str | None:
        """The language that a summary's prompt asks for."""
        return self.name.removeprefix(SUMMARY) if self.name.startswith(SUMMARY) else None

    @property
    def kind(self) -> str:
        """The file's name without a language: `summary` for `summary.ru.md`."""
        return self.name.split(".")[0]

    @property
    def asset(self) -> str:
        """The asset that the prompt's answers become."""
        if self.into:
            return f"{self.name}_{self.into}"
        return f"summaries_{self.language}" if self.language else self.name

    @cached_property
    def version(self) -> str:
        """Twelve hex digits over what decides the answer: the normalized template, the parameters, the first model and
        the hand-written schema number, and names and scopes of the topics. A fallback, a guardrail, a label or a
        keyword rule is no part of it, nor anything that a library generates: its upgrade would re-buy the archive."""
        asked = {
            "schema": self.schema_,
            "model": self.models[0],
            "output": self.output,
            "temperature": self.temperature,
            "max_tokens": self.max_tokens,
            "limits": self.limits,
            "template": "\n".join(line.rstrip() for line in self.template.strip().splitlines()),
            "topics": [[topic.name, topic.scope] for topic in self.topics],
        }
        return hashlib.sha256(
            json.dumps(asked, sort_keys=True, ensure_ascii=False).encode()
        ).hexdigest()[:12]

    def messages(self, **paper: Any) -> Messages:
        """The messages for what is told of one paper (``title``, ``abstract``, …)."""
        template = _compiled(self.template)
        variables: dict[str, Any] = {"limits": self.limits, "topics": self.topics, **paper}
        context = template.new_context(variables)
        return Messages(
            system="".join(template.blocks["system"](context)).strip(),
            user="".join(template.blocks["user"](context)).strip(),
        )


def input_hash(**paper: Any) -> str:
    """Sixteen hex digits over the normalized input of a prompt: white space of texts does not count."""
    folded = {
        name: " ".join(text.split()) if isinstance(text, str) else text
        for name, text in paper.items()
    }
    return hashlib.sha256(
        json.dumps(folded, sort_keys=True, ensure_ascii=False).encode()
    ).hexdigest()[:16]


def fenced(text: str, name: str) -> str:
    """The text between tags that carry its own hash, which no text can contain: it cannot close its fence."""
    tag = f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    return f"<{tag}>\n{text}\n</{tag}>"


@cache
def _compiled(template: str) -> jinja2.Template:
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined, autoescape=False, trim_blocks=True
    )
    environment.filters["fenced"] = fenced
    return environment.from_string(template)


class Prompts(BaseModel):
    """All prompts, the closed list of topics, and the Latin words that Russian prose may hold."""

    model_config = ConfigDict(frozen=True)

    summaries: tuple[Prompt, ...]
    others: Mapping[str, Prompt]
    translations: tuple[Prompt, ...]
    topics: tuple[Topic, ...]
    terms: frozenset[str]

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages of the summaries, in the order of the site."""
        return tuple(prompt.language for prompt in self.summaries if prompt.language)

    @property
    def every(self) -> tuple[Prompt, ...]:
        """The prompts in the order of their assets."""
        return (*self.summaries, *self.others.values(), *self.translations)


def prompts_version(prompts: Prompts) -> str:
    """Twelve hex digits over the versions of all prompts."""
    versions = "\n".join(f"{prompt.asset} {prompt.version}" for prompt in prompts.every)
    return hashlib.sha256(versions.encode()).hexdigest()[:12]


def load_prompts(
    overlay: Path | None = None,
    languages: Sequence[str] = (),
    model: str | None = None,
    packaged: Path = PACKAGED,
) -> Prompts:
    """The packaged prompts, each replaced or joined by the file of the same name in ``overlay``.

    ``languages`` keeps these summaries, in this order; by default every language that has a prompt, Russian first.
    ``model`` takes the place of every chain. Raises PromptError for a file or a language that cannot be used.
    """
    if overlay is not None and not overlay.is_dir():
        raise PromptError(
            f"PAPERS_PROMPTS_DIR={overlay} is no folder: name one that exists, or unset it"
        )
    paths = {
        path.name: path
        for folder in (packaged, overlay)
        if folder
        for path in sorted(folder.glob("*.md"))
    }
    topics = load_topics(_read("topics.yaml", overlay, packaged))
    terms = load_terms(_read("terms.txt", overlay, packaged))
    prompts = {
        name.removesuffix(".md"): _load(path, topics, model) for name, path in sorted(paths.items())
    }
    summaries = {prompt.language: prompt for prompt in prompts.values() if prompt.language}
    order = languages or sorted(
        summaries, key=lambda language: (language != FIRST_LANGUAGE, language)
    )
    if missing := [language for language in order if language not in summaries]:
        raise PromptError(
            f"no prompt for {', '.join(map(str, missing))}: write prompts/summary.{missing[0]}.md, "
            f"or name in PAPERS_LANGUAGES only {', '.join(sorted(map(str, summaries)))}"
        )
    others = {name: prompt for name, prompt in prompts.items() if not prompt.language}
    translation = others.pop(TRANSLATION, None)
    into = [it for it in order if it and not is_chinese(it)] if translation else []
    return Prompts(
        summaries=tuple(summaries[language] for language in order),
        others=others,
        translations=tuple(
            translation.model_copy(update={"into": it}) for it in into if translation
        ),
        topics=topics,
        terms=terms,
    )


def is_chinese(language: str) -> bool:
    """Whether a language of the site, `zh` or one of its regions, needs no translation of a Chinese text."""
    return language.split("-")[0] == "zh"


def _read(name: str, overlay: Path | None, packaged: Path) -> str:
    folders = [folder for folder in (overlay, packaged) if folder and (folder / name).exists()]
    return (folders[0] / name).read_text(encoding="utf-8")


def _load(path: Path, topics: tuple[Topic, ...], model: str | None) -> Prompt:
    parts = path.read_text(encoding="utf-8").split("---\n", 2)
    if len(parts) != 3 or parts[0].strip():
        raise PromptError(f"{path}: a prompt begins with front matter between two lines of ---")
    try:
        given = yaml.safe_load(parts[1])
        if given.pop("topics", False):
            given["topics"] = topics
        prompt = Prompt.model_validate({"name": path.stem, "template": parts[2]} | given)
        missing = {"system", "user"} - set(_compiled(prompt.template).blocks)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()
        )
        raise PromptError(f"{path}: {faults}") from None
    except (yaml.YAMLError, AttributeError, jinja2.TemplateError) as error:
        raise PromptError(f"{path}: {error}") from None
    if missing:
        raise PromptError(f"{path}: the template has no block named {' or '.join(sorted(missing))}")
    try:
        for name in (model,) if model else prompt.models:
            split_name(name)
    except ModelNameError as error:
        raise PromptError(f"{'PAPERS_MODEL' if model else path}: {error}") from None
    return prompt.model_copy(update={"models": (model,)}) if model else prompt
