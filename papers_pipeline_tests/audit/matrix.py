"""Writes the fault matrix of docs/reliability.md from the markers of the tests that assert it.

A test is marked `@pytest.mark.fault(party=…, fault=…, kept=…, retried=…, told=…)`, once for each
cell that it asserts; `party` may be a tuple. `told` is what the operator reads, and is asserted
literally: the test takes it from the fixture `cell`, or contains the same words. It is empty if
there is nothing to read.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from papers_pipeline_tests.audit.impossible import IMPOSSIBLE

TESTS = Path(__file__).parents[1]
DOCUMENT = TESTS.parent / "docs" / "reliability.md"
BEGIN, END = "<!-- The fault matrix begins here. -->", "<!-- The fault matrix ends here. -->"
COMMAND = "`make matrix`"

FAULTS = (
    "unreachable",
    "slow or drips",
    "timeout",
    "401 or 403",
    "404",
    "429",
    "5xx",
    "cut short",
    "malformed",
    "hostile",
    "changed or withdrawn",
    "killed process",
    "full disk",
    "damaged file",
)
EXTRA_FAULTS = ("refusal", "nothing or prose")
"""Of models alone."""
GROUPS = {
    "The list of Hugging Face": ("list",),
    "arXiv": ("PDF", "HTML"),
    "Models": ("OpenAI", "Anthropic", "Mistral"),
    "The store of this machine": ("disk", "ledger", "Dagster's databases"),
    "The database of several machines": ("Postgres",),
    "Publishing": ("folder", "rsync", "branch"),
    "Alarms": ("webhook", "address"),
    "Delivery": ("Telegram", "mail server", "chat"),
}
"""The parties, by the table that shows them."""
PARTIES = tuple(party for parties in GROUPS.values() for party in parties)


@dataclass(frozen=True)
class Cell:
    """What happens if a party has a fault, and the test that asserts it."""

    party: str
    fault: str
    kept: str
    retried: str
    told: str
    test: str
    is_asserted: bool = True

    @property
    def shown(self) -> tuple[str, str, str, str]:
        """The columns after party and fault."""
        told = f"“{self.told.strip()}”" if self.told else "nothing"
        return self.kept, self.retried, told, self.test


def cells() -> list[Cell]:
    """The cells of all markers in the tests, in the order of files and lines."""
    found = []
    for path in sorted(TESTS.rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                found += _cells_of(node, path.relative_to(TESTS).as_posix())
    return found


def _cells_of(test: ast.FunctionDef, module: str) -> Iterator[Cell]:
    markers = [node for part in test.decorator_list for node in _markers(part)]
    words = _words(test, markers)
    takes_cell = any(argument.arg == "cell" for argument in test.args.args)
    for marker in markers:
        given = {str(word.arg): ast.literal_eval(word.value) for word in marker.keywords}
        parties = given.pop("party")
        for party in (parties,) if isinstance(parties, str) else parties:
            yield Cell(
                party,
                **given,
                test=f"`{module}`: `{test.name}`",
                is_asserted=takes_cell or any(given["told"] in part for part in words),
            )


def _markers(tree: ast.AST) -> list[ast.Call]:
    """The calls of `pytest.mark.fault` in a decorator, also those inside `pytest.param`."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.fault":
            found.append(node)
    return found


def _words(test: ast.FunctionDef, markers: list[ast.Call]) -> list[str]:
    """The strings of a test, without those of its markers, and without escapes of patterns."""
    inside_markers = {id(node) for marker in markers for node in ast.walk(marker)}
    words = []
    for node in ast.walk(test):
        is_string = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if is_string and id(node) not in inside_markers:
            words.append(node.value.replace("\\", ""))
    return words


def matrix() -> str:
    """The tables, one a group of parties, between the two comment lines."""
    found = cells()
    parts = [f"{BEGIN}\n\nWritten by {COMMAND}.\n"]
    for group, parties in GROUPS.items():
        parts.append(f"### {group}\n")
        header = ["fault", "kept", "tried again", "the operator reads", "shown by"]
        if len(parties) > 1:
            header.insert(0, "party")
        lines = [_line(header), "|---" * len(header) + "|"]
        lines += _lines(parties, found)
        parts.append("\n".join(lines) + "\n")
        parts += _impossible(parties)
    return "\n".join([*parts, END])


def _lines(parties: tuple[str, ...], found: list[Cell]) -> list[str]:
    """The lines of a table. Cells that say the same share one, with all their faults or parties."""
    faults_by_row: dict[tuple[str, ...], list[str]] = {}
    for fault in (*FAULTS, *EXTRA_FAULTS):
        parties_by_cell: dict[tuple[str, ...], list[str]] = {}
        for party in parties:
            for cell in found:
                if (cell.party, cell.fault) == (party, fault):
                    parties_by_cell.setdefault(cell.shown, []).append(party)
        for shown, same in parties_by_cell.items():
            faults_by_row.setdefault((", ".join(same), *shown), []).append(fault)
    lines = []
    for (party, *shown), faults in faults_by_row.items():
        of = [party] if len(parties) > 1 else []
        lines.append(_line([*of, ", ".join(faults), *shown]))
    return lines


def _impossible(parties: tuple[str, ...]) -> list[str]:
    """The sentences about faults that these parties cannot have."""
    lines = []
    for party in parties:
        for reason, faults in IMPOSSIBLE.get(party, {}).items():
            of = f"{party}, " if len(parties) > 1 else ""
            lines.append(f"- {of}{', '.join(faults)}: cannot happen, because {reason}.")
    return ["\n".join(lines) + "\n"] if lines else []


def _line(columns: list[str]) -> str:
    escaped = [column.replace("|", "\\|") for column in columns]
    return f"| {' | '.join(escaped)} |"


def written(document: str) -> str:
    """The document with the matrix as the tests have it."""
    before, _, rest = document.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{matrix()}{after}"


if __name__ == "__main__":
    DOCUMENT.write_text(written(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"{DOCUMENT.name}: {len(cells())} cells of {len(PARTIES)} parties and their tests")
