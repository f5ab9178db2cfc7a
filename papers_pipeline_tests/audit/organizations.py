"""Says which names of real papers ROR finds: `python -m …audit.organizations DUMP FOLDER`.

DUMP is a JSON dump of ROR's schema 2. FOLDER holds recordings as PAPERS_REAL_DATA does:
`labels.jsonl` and `hf_api/<date>.json`. Prints a row per set, and each name that ROR knows, with
what it is called there: whether that is right is for the reader to say.
"""

import json
import sys
from collections.abc import Iterator, Set
from pathlib import Path
from typing import Any

from upath import UPath

from papers_pipeline.enrichment.institution_names import letters, load_institution_names
from papers_pipeline.enrichment.organizations import RorRecord, read_dump, select


def main(dump: Path, folder: Path) -> None:
    records = read_dump(UPath(dump))
    print(f"{len(records)} active organizations")
    report("labelled title pages", set(labelled(folder)), records)
    report("organizations on Hugging Face", set(listed(folder)), records)


def report(name: str, printed: Set[str], records: list[RorRecord]) -> None:
    exceptions = load_institution_names()
    organizations = select(records, printed, exceptions)
    matches = {each: organizations.match(each) for each in sorted(printed)}
    by_file = {each for each in printed if letters(each) in exceptions.forms}
    by_ror = {each for each, match in matches.items() if match}
    print(f"\n{name}: {len(printed)} names; institutions.toml {len(by_file)}, ", end="")
    print(f"ROR {len(by_ror)}, either {len(by_file | by_ror)}")
    for each, match in matches.items():
        if match:
            print(f"  {each} → {match.name} ({match.country}, {match.id})")


def labelled(folder: Path) -> Iterator[str]:
    for line in (folder / "labels.jsonl").read_text(encoding="utf-8").splitlines():
        yield from json.loads(line)["affiliations"]


def listed(folder: Path) -> Iterator[str]:
    for path in sorted((folder / "hf_api").glob("*.json")):
        for entry in json.loads(path.read_text(encoding="utf-8")):
            organization: dict[str, Any] | None = entry["paper"].get("organization")
            if organization:
                yield organization.get("fullname") or organization["name"]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
