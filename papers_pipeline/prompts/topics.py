"""The closed list of topics, and keyword rules for builds without a language model.

The head of `prompts/topics.yaml` describes the list and the rules.
"""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

_NAME = re.compile(r"[A-Z0-9_]+")
_URL = re.compile(r"https?://\S+")
_SEPARATORS = re.compile(r"[\s_\-‐‑–—]+")
# Longer gaps, or gaps across a preposition, mostly join a verb to another paper's dataset.
_GAP = (
    r"(?: (?!(?:on|with|from|using|via|by|across|over|than|that|which|when|while) )[^\s.;:]+){0,8} "
)
_ENOUGH = 2


class Topic(BaseModel):
    """A topic for tags.

    The prompt shows `name` and `scope`; `keywords` are the rules of `keyword_topics`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    scope: str
    keywords: tuple[str, ...]

    @property
    def slug(self) -> str:
        """The name in lower case, as in stored rows and page addresses."""
        return self.name.lower()


def load_topics(text: str) -> tuple[Topic, ...]:
    """The topics of a YAML text, in its order.

    Raises ValueError, which names the topic and the fault: not a list, a malformed or repeated
    name, no scope, or a rule that is not a regular expression or matches an empty text.
    """
    try:
        entries = yaml.load(text, yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise ValueError(f"topics: not YAML: {error}") from error
    if not isinstance(entries, list):
        raise ValueError(f"topics: expected a list of topics, found {type(entries).__name__}")
    topics: dict[str, Topic] = {}
    for position, entry in enumerate(entries, start=1):
        topic = _parse_topic(position, entry)
        if topic.name in topics:
            raise ValueError(f"topic {topic.name}: the name is listed twice")
        topics[topic.name] = topic
    return tuple(topics.values())


def keyword_topics(
    topics: Sequence[Topic], title: str, abstract: str, ai_keywords: Sequence[str]
) -> list[str]:
    """The names of the topics that match the paper, in the order of `topics`.

    A topic matches if one rule matches the title, one `+` rule matches anywhere, or two different
    rules match the abstract and `ai_keywords` together.
    """
    head = _plain(title)
    body = _plain(". ".join([abstract, *ai_keywords]))
    return [topic.name for topic in topics if _matches(topic, head, body)]


def _parse_topic(position: int, entry: Any) -> Topic:
    name = entry.get("name") if isinstance(entry, dict) else None
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(f"topic {position}: expected a name of A-Z, 0-9 and _, found {name!r}")
    try:
        topic = Topic.model_validate(entry)
    except ValidationError as error:
        raise ValueError(f"topic {name}: {validation_faults(error)}") from error
    if not topic.scope.strip():
        raise ValueError(f"topic {name}: scope: is empty")
    for rule in topic.keywords:
        try:
            pattern = _pattern(rule)
        except re.error as error:
            raise ValueError(
                f"topic {name}: rule {rule!r} is no regular expression: {error}"
            ) from error
        if pattern.search(""):
            raise ValueError(
                f"topic {name}: rule {rule!r} matches an empty text, and so every paper"
            )
    return topic


def _matches(topic: Topic, head: str, body: str) -> bool:
    score = 0
    for rule in topic.keywords:
        if _pattern(rule).search(head):
            return True
        if _pattern(rule).search(body):
            score += _ENOUGH if rule.startswith("+") else 1
        if score >= _ENOUGH:
            return True
    return False


def validation_faults(error: ValidationError) -> str:
    """The faults of a validated file on one line: `<field>: <message>; …`."""
    faults = []
    for fault in error.errors():
        field = ".".join(str(part) for part in fault["loc"])
        faults.append(f"{field}: {fault['msg']}")
    return "; ".join(faults)


@cache
def _pattern(rule: str) -> re.Pattern[str]:
    body = rule.removeprefix("+").replace(" ... ", _GAP)
    return re.compile(rf"(?<!\w)(?:{body})s?(?!\w)", re.IGNORECASE)


def _plain(text: str) -> str:
    """The text without web addresses, and with runs of blanks and hyphens as one blank.

    One spelling in a rule is then enough.
    """
    return _SEPARATORS.sub(" ", _URL.sub(". ", text))
