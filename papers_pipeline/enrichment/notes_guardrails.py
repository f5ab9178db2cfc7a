"""Verdicts on notes on the full text of a paper."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from papers_pipeline.base.characters import bare, excerpt
from papers_pipeline.base.faults import Fault
from papers_pipeline.enrichment.foreign_text import foreign_text_faults, wrong_language_fault
from papers_pipeline.enrichment.full_text import named_section
from papers_pipeline.enrichment.guardrails import LONGEST_ANSWER
from papers_pipeline.enrichment.russian import russian_faults
from papers_pipeline.enrichment.terms_check import term_faults
from papers_pipeline.llm.verdict import Verdict
from papers_pipeline.prompts.glossary import Term
from papers_pipeline.records import NoteStatement
from papers_pipeline.text.calls_to_act import call_to_act_faults
from papers_pipeline.text.markup import form_faults, without_markup
from papers_pipeline.text.names import name_faults
from papers_pipeline.text.numbers import number_faults

MAY_BE_EMPTY = "limitations"
"""The part that a paper can lack. All others need a statement."""
# Models count characters badly, and a page has room for a longer statement.
LENGTH_TOLERANCE = 1.25

Parts = Mapping[str, Sequence[NoteStatement]]
"""The statements of each part of the notes."""


def notes_verdict(
    parts: Parts,
    *,
    language: str,
    paper_title: str,
    sections: Mapping[str, str],
    limits: Mapping[str, int],
    terms: frozenset[str],
    glossary: Sequence[Term] = (),
) -> Verdict:
    """The verdict on notes in `language`.

    `sections` are the texts that the model was given, by heading. `limits` are the prompt's: the
    `statements` of a part and the `characters` of a statement. `terms` are the Latin words allowed
    in Russian prose, `glossary` is that of the language.
    """
    language = language.split("-")[0].lower()
    statements = [statement for part in parts.values() for statement in part]
    text = "\n".join(statement.text for statement in statements)
    if len(text) > 2 * LONGEST_ANSWER:
        message = f"The notes have {len(text)} characters. Write only what is asked for."
        return Verdict((Fault("endless", message),))
    faults: list[Fault] = []
    for name, part in parts.items():
        faults += _part_faults(name, part, limits.get("statements"))
        for number, statement in enumerate(part, 1):
            field = f"statement {number} of {name}"
            faults += _statement_faults(
                field,
                statement,
                titles=list(sections),
                most=limits.get("characters"),
                paper_title=paper_title,
            )
    source = "\n".join([paper_title, *sections, *sections.values()])
    wrong_language = wrong_language_fault(language, text)
    if wrong_language:
        faults.append(wrong_language)
    else:
        faults += foreign_text_faults(language, "", text, source)
        if language == "ru":
            faults += russian_faults(text, terms, title=paper_title, abstract=source)
    faults += call_to_act_faults(text, source)
    faults += _unverified(text, source, language)
    faults += term_faults(glossary, text, source)
    return Verdict(tuple(faults))


def _unverified(text: str, source: str, language: str) -> Iterator[Fault]:
    """A fault for each number and name that the sections do not have."""
    numbers = number_faults(text, source)
    names = name_faults(without_markup(text), source, language=language)
    for fault in (*numbers, *names):
        message = (
            f'The {fault.rule} "{fault.quoted}" occurs in none of the sections: '
            "write the paper's own or leave it out."
        )
        yield replace(fault, message=message)


def _part_faults(name: str, part: Sequence[NoteStatement], most: int | None) -> Iterator[Fault]:
    if not part and name != MAY_BE_EMPTY:
        yield Fault("empty", f"The field {name} has no statement. Write one.")
    if most is not None and len(part) > most:
        message = f"The field {name} has {len(part)} statements. Keep the {most} that matter most."
        yield Fault("statements", message, "style")


def _statement_faults(
    field: str,
    statement: NoteStatement,
    *,
    titles: Sequence[str],
    most: int | None,
    paper_title: str,
) -> Iterator[Fault]:
    text = statement.text
    if not bare(text):
        yield Fault("empty", f"The {field} is empty. Write it or leave it out.")
    yield from form_faults(field, text, paper_title)
    if most is not None and len(text) > most * LENGTH_TOLERANCE:
        message = f"The {field} has {len(text)} characters; the limit is {most}. Shorten it."
        yield Fault("length", message, "style")
    if named_section(statement.section, titles) is None:
        headings = ", ".join(f'"{excerpt(title)}"' for title in titles)
        message = (
            f'The {field} names the section "{excerpt(statement.section)}", which the paper does '
            f"not have. Name the one of these that says it: {headings}."
        )
        yield Fault("section", message)
