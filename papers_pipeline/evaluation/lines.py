"""Reads files of JSON lines: labels, and answers to measure."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from papers_pipeline.base.errors import OperatorError
from papers_pipeline.prompts.topics import validation_faults

Value = TypeVar("Value")


def read_lines(
    path: Path, read: Callable[[Any], Value], error_type: type[OperatorError]
) -> list[Value]:
    """What `read` makes of the JSON of each line; blank lines are skipped.

    Raises `error_type`, which names the file and the line that is not JSON or that `read` refuses
    with a ValueError, such as pydantic's, or with an error of this type.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise error_type(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise error_type(f"{path}: {error}") from None
    values = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            values.append(read(json.loads(line)))
        except ValidationError as error:
            raise error_type(f"{path}, line {number}: {validation_faults(error)}") from None
        except (ValueError, error_type) as error:
            raise error_type(f"{path}, line {number}: {error}") from None
    return values
