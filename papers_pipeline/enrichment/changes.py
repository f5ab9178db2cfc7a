"""What a repair changed in a text."""

from collections.abc import Iterator
from difflib import SequenceMatcher

from papers_pipeline.base.characters import excerpt


def changes(field: str, before: str, after: str) -> Iterator[str]:
    """A line for each piece of the field that differs, as `title: "." is removed`."""
    for kind, start, end, new_start, new_end in SequenceMatcher(
        None, before, after, autojunk=False
    ).get_opcodes():
        old, new = excerpt(before[start:end]), excerpt(after[new_start:new_end])
        if kind == "delete":
            yield f'{field}: "{old}" is removed'
        elif kind == "insert":
            yield f'{field}: "{new}" is added'
        elif kind == "replace":
            yield f'{field}: "{old}" becomes "{new}"'
