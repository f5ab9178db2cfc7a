"""JSON files of one record each, with a checksum: a changed bit inside a text is noticed too."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError

from papers_pipeline.store.damage import Damaged, Newer
from papers_pipeline.store.files import sha256_of

FORMAT = 2
"""The format of sealed files, in their field `format`. Files of format 1 have no checksum."""
SEAL = b',\n "sha256": "%s"\n}\n'
"""The last member of a file: the hex SHA-256 of all bytes before it."""
MARK = SEAL.partition(b"%s")[0]

Content = TypeVar("Content", bound=BaseModel)


def encode(record: BaseModel) -> bytes:
    """The record as the bytes of a file: JSON with a checksum as its last member.

    The record has a field `format`, which becomes the format of now.
    """
    stated = record.model_copy(update={"format": FORMAT})
    return _sealed(stated.model_dump_json(indent=1).encode().removesuffix(b"\n}"))


def decode(data: bytes, record: type[Content]) -> Content:
    """The record that a file holds, with or without a checksum. Raises Damaged or Newer."""
    stated = _format_of(data)
    if stated > FORMAT:
        raise Newer(f"an entry in format {stated}")
    # A text has no unescaped line break, and a field of a field is indented further.
    body, mark, _ = data.rpartition(MARK)
    if (mark or stated == FORMAT) and _sealed(body) != data:
        raise Damaged("its checksum is not that of its bytes")
    try:
        return record.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise Damaged(f"{where} {first['msg']}".strip()) from None


def is_sealed(data: bytes) -> bool:
    """Whether a file has a checksum, be it right or wrong."""
    return MARK in data


def _sealed(body: bytes) -> bytes:
    return body + SEAL % sha256_of(body).encode()


class _Formatted(BaseModel):
    format: int = 1


def _format_of(data: bytes) -> int:
    """The format that a file states, by default the first. A newer one may change all else."""
    try:
        return _Formatted.model_validate_json(data).format
    except ValidationError:
        return 1
