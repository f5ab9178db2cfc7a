"""What a good summary of an abstract repeats: the name of the method, and the main number.

Both are found by rules of thumb that miss some and take some wrongly. Their recall compares two
sets of texts about the same papers; it is no absolute measure.
"""

from collections.abc import Iterator

import regex

from papers_pipeline.base.characters import bare
from papers_pipeline.enrichment.sentences import split_sentences
from papers_pipeline.text.numbers import number_faults

RESULT_VERBS = """
    accelerat achiev attain beat boost cut decreas deliver doubl exceed gain halv improv increas
    lower obtain outperform rais reach record reduc sav scor shorten speed surpass yield
"""
"""The stems of verbs that report a result."""

_RESULT = regex.compile(rf"(?i)\b(?:{'|'.join(RESULT_VERBS.split())})\w*")
_HEADLINE = regex.compile(
    r"(?i)(?<![\p{L}\d.,_-])\d+(?:[.,]\d+)*"
    r"(?:\s?(?:\\?%|×|x\b|\$?\\times)|[\s-](?:percent|times|fold|points?|pp|thousand|million|billion"
    r"|trillion)\b|[KMB]\b)"
)
# A name has a digit or a second capital: TideServe, GRPO, Qwen3. "Attention" could be any word.
_NAME = (
    r"(?=[\p{L}\d.+-]*\p{Lu})(?=[\p{L}\d.+-]*(?:\d|\p{L}\p{Lu}))"
    r"[\p{L}\d][\p{L}\d.+]*(?:-[\p{L}\d.+]+)*"
)
_TITLE_NAME = regex.compile(rf"\s*({_NAME}|\p{{Lu}}[\p{{L}}\d.+-]+)\s*[:：]")
_PRESENTS = regex.compile(
    r"(?i)\b(?:we|paper|work)\b[^.;]{0,40}?\b(?:propos|introduc|present|develop|releas)\w*"
)
_CALLED = regex.compile(rf"\b(?:called|named|dubbed|termed),?\s+[\"“'`*]*({_NAME})")
_DIRECTLY = regex.compile(
    rf"\s+(?:the\s+)?[\"“'`*]*({_NAME})(?=[\"”'`*]*(?:\s*[,(:;]|\s+(?:a|an|the)\b))"
)
_IN_BRACKETS = regex.compile(rf"[^.;]{{0,120}}?\(({_NAME})\)")
COMMON = "AI API GPU KV LLM LLMs MLLM MLLMs ML NLP RAG RL RLHF SFT SOTA VLM VLMs VLA"
_COMMON = frozenset(COMMON.split())


def method_name(title: str, abstract: str) -> str | None:
    """The name of the paper's method, data set or model; None if it seems to have none.

    It is the single word before the title's colon, if it looks like a name or the abstract repeats
    it, else the name in the abstract's "we propose X, …", "… called X" or "we propose … (X)".
    """
    in_title = _TITLE_NAME.match(title)
    if in_title:
        name = in_title[1]
        if regex.fullmatch(_NAME, name) or regex.search(rf"\b{regex.escape(name)}\b", abstract):
            return str(name)
    presented = _PRESENTS.search(abstract)
    if presented is None:
        return None
    for pattern in (_DIRECTLY, _IN_BRACKETS):
        found = pattern.match(abstract, presented.end())
        if found and found[1] not in _COMMON:
            return str(found[1])
    called = _CALLED.search(abstract, presented.end())
    return str(called[1]) if called and called[1] not in _COMMON else None


def has_name(text: str, name: str) -> bool:
    """Whether a text has a name, whatever its case and hyphens."""
    return bare(name) in bare(text)


def headline_numbers(abstract: str) -> list[str]:
    """The numbers with a percent sign, "×", "times", "fold", "points" or a scale in the sentences
    that have a verb of `RESULT_VERBS`."""
    return list(dict.fromkeys(_headline_numbers(abstract)))


def _headline_numbers(abstract: str) -> Iterator[str]:
    for sentence in split_sentences("en", abstract):
        if _RESULT.search(sentence):
            yield from (found[0] for found in _HEADLINE.finditer(sentence))


def has_number(text: str, number: str) -> bool:
    """Whether a text has a number, in its own spelling."""
    return not list(number_faults(number, text))
