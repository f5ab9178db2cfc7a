"""Verdicts on the answers of language models: pure functions from an answer to a `Verdict`.

A fault goes back to the model, so its message says what is wrong, quotes the passage and says what
to do. A retry costs money: if a mistake looks just like good prose, the rule lets both pass. What a
reader can live with is a fault of style.
"""

import difflib
from collections.abc import Iterator, Mapping, Sequence

import regex

from papers_pipeline.base.characters import bare, excerpt, graphemes
from papers_pipeline.base.faults import Fault
from papers_pipeline.enrichment.abstracts import source_of
from papers_pipeline.enrichment.foreign_text import foreign_text_faults, wrong_language_fault
from papers_pipeline.enrichment.russian import russian_faults
from papers_pipeline.enrichment.sentences import sentence_count_faults
from papers_pipeline.enrichment.terms_check import term_faults
from papers_pipeline.llm.verdict import Verdict
from papers_pipeline.prompts.glossary import Term
from papers_pipeline.text.calls_to_act import call_to_act_faults
from papers_pipeline.text.markup import emoji_faults, form_faults, without_markup
from papers_pipeline.text.names import name_faults
from papers_pipeline.text.numbers import number_faults

# Models count characters badly, and the site's layout has room for a few more than the limit.
TITLE_TOLERANCE = 1.1
# In characters. A model caught in a loop writes without end, and the rules below are for prose.
LONGEST_ANSWER = 4000

_WIDE = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]")
_FULL_STOP = regex.compile(r"(?<![.。．])[.。．｡]\s*$")


def summary_verdict(
    *,
    language: str,
    title: str,
    text: str,
    emoji: str | None,
    wants_emoji: bool,
    limits: Mapping[str, int],
    abstract: str,
    paper_title: str,
    terms: frozenset[str],
    glossary: Sequence[Term] = (),
) -> Verdict:
    """The verdict on one summary.

    `language` is an ISO 639-1 code; a region, as in `pt-BR`, is ignored. `limits` are the prompt's:
    the `sentences` of the text and the `title_characters`. A missing limit is not enforced. `terms`
    are the Latin words allowed in Russian prose (`load_terms`), `glossary` is that of the language.
    """
    for field, value in (("title", title), ("text", text)):
        if len(value) > LONGEST_ANSWER:
            length = len(value)
            message = f"The {field} has {length} characters. Write only what is asked for."
            return Verdict((Fault("endless", message),))
    language = language.split("-")[0].lower()
    summary = f"{title}\n{text}"
    source = source_of(paper_title, abstract)
    faults: list[Fault] = []
    if not abstract.strip():
        message = "There is no abstract to summarize. Do not write a summary."
        faults.append(Fault("no_abstract", message))
    faults += _title_faults(title, paper_title, limits.get("title_characters"))
    faults += form_faults("title", title, paper_title)
    faults += form_faults("text", text, paper_title)
    faults += sentence_count_faults(language, text, limits.get("sentences"))
    wrong_language = wrong_language_fault(language, text)
    if wrong_language:
        faults.append(wrong_language)
    else:
        faults += foreign_text_faults(language, title, text, source)
        if language == "ru":
            faults += russian_faults(summary, terms, title=paper_title, abstract=source)
    if wants_emoji:
        faults += emoji_faults(emoji)
    faults += call_to_act_faults(summary, source)
    faults += number_faults(summary, source)
    faults += name_faults(without_markup(summary), source, language=language)
    faults += term_faults(glossary, f"{summary}\n{emoji or ''}", source)
    return Verdict(tuple(faults))


def topics_verdict(names: Sequence[str], allowed: Sequence[str], most: int) -> Verdict:
    """The verdict on a paper's topics: at most `most` names from `allowed`, without duplicates.

    Names must be spelled as in `allowed`. An empty list is a good answer.
    """
    faults = []
    for name in dict.fromkeys(names):
        times = names.count(name)
        if name not in allowed:
            faults.append(_unlisted_topic_fault(name, allowed))
        elif times > 1:
            message = f'The topic "{name}" is listed {times} times. List it once.'
            faults.append(Fault("topics", message))
    if len(names) > most:
        message = f"There are {len(names)} topics. Keep only the {most} that fit best."
        faults.append(Fault("topics", message))
    return Verdict(tuple(faults))


def _unlisted_topic_fault(name: str, allowed: Sequence[str]) -> Fault:
    normalized = name.strip("# ").upper().replace(" ", "_")
    similar = difflib.get_close_matches(normalized, allowed, n=1)
    if similar:
        advice = f"Write {similar[0]} if you meant that; otherwise leave it out."
    else:
        advice = "Choose a topic from the list, spelled as there, or leave it out."
    return Fault("topics", f'The topic "{excerpt(name)}" is not in the list. {advice}')


def _title_faults(title: str, paper_title: str, most: int | None) -> Iterator[Fault]:
    if not title.strip():
        yield Fault("empty", "The title is empty. Write one.")
        return
    quoted = f'"{excerpt(title)}"'
    length = _title_length(title.strip())
    if most is not None and length > most * TITLE_TOLERANCE:
        message = f"The title has {length} characters; the limit is {most}. Shorten it: {quoted}."
        yield Fault("length", message, "style")
    if bare(title) == bare(paper_title):
        message = (
            f"The title {quoted} is the paper's own title. Write a slogan that says what is new."
        )
        yield Fault("title", message, "style")
    if _FULL_STOP.search(title):
        message = f"The title {quoted} ends with a full stop. Remove the full stop."
        yield Fault("full_stop", message, "style")


def _title_length(title: str) -> int:
    """The title's length in graphemes; next to wide (CJK) ones, two narrow ones count as one."""
    signs = graphemes(title)
    wide = sum(bool(_WIDE.match(sign)) for sign in signs)
    if wide == 0:
        return len(signs)
    narrow = len(signs) - wide
    return wide + (narrow + 1) // 2
