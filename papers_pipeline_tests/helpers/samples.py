"""The sandbox's sample papers, and the answers that are written for some of them by hand."""

import json

import yaml

from papers_pipeline.sandbox.world import SAMPLE


def listed_papers() -> dict[str, dict]:
    """The listed sample papers by id."""
    papers = {}
    for path in sorted((SAMPLE / "hf_api").glob("*.json")):
        for entry in json.loads(path.read_text(encoding="utf-8")):
            papers[entry["paper"]["id"]] = entry["paper"]
    return papers


LISTED = listed_papers()
WRITTEN = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in (SAMPLE / "answers").glob("*.yaml")
}
