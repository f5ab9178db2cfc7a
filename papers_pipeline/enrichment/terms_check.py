"""Faults of style against the glossary of a language: calques, praise, talk about the paper."""

from collections.abc import Iterator, Sequence

from papers_pipeline.base.faults import Fault
from papers_pipeline.prompts.glossary import Term, named_in


def term_faults(glossary: Sequence[Term], text: str, source: str) -> Iterator[Fault]:
    """A fault of style for each entry that the text breaks; `source` is the title and abstract."""
    for term in named_in(glossary, source):
        misused = term.misused(text)
        if not misused:
            continue
        quoted = ", ".join(f'"{form}"' for form in misused)
        if term.write:
            message = f'Write "{term.write}" for "{term.term}", not {quoted}.'
        else:
            message = f"Do not write {quoted}. {term.advice}"
        yield Fault(term.rule, message, severity="style", quoted=misused[0])
