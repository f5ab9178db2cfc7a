"""Runs the rules for texts over real ones: `python -m papers_pipeline_tests.audit.texts FOLDER`.

FOLDER holds recordings as PAPERS_REAL_DATA does: `hf_api/<date>.json`, `top_papers/d_<date>.json`
and `malformed.jsonl`. Prints a row per set, each repaired passage's count and every faulty passage.
Sentences of `fixtures/` follow. No limit of length is applied, as others' prompts had their own.
"""

import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from papers_pipeline.base.characters import excerpt
from papers_pipeline.enrichment.guardrails import summary_verdict
from papers_pipeline.enrichment.repairs import repaired_text, repaired_title
from papers_pipeline.prompts.prompt import load_prompts

FIXTURES = Path(__file__).parents[1] / "fixtures"
SEVERITIES = ("fatal", "unverified", "style")
PROMPTS = load_prompts()
GLOSSARIES = {prompt.language: prompt.glossary for prompt in PROMPTS.summaries}
NO_TITLE = {"ru": "Без названия", "en": "Untitled", "zh": "无题"}
"""In place of the title of a text that has none."""


@dataclass(frozen=True)
class Sample:
    """A text about a paper; `title` is the text's own."""

    id: str
    language: str
    title: str
    text: str
    paper_title: str
    abstract: str


@dataclass
class Result:
    """What the rules found in a set of texts."""

    texts: int = 0
    milliseconds: float = 0
    repaired: int = 0
    severities: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    passages: list[str] = field(default_factory=list)


def main(folder: Path) -> None:
    results = {name: judge(samples) for name, samples in sets(folder).items()}
    print("| set | texts | fatal | unverified | style | repaired | by rule | ms a text |")
    print("|---|---|---|---|---|---|---|---|")
    for name, result in results.items():
        counts = " | ".join(str(result.severities[severity]) for severity in SEVERITIES)
        rules = ", ".join(f"{rule} {count}" for rule, count in result.rules.most_common())
        speed = result.milliseconds / max(result.texts, 1)
        print(f"| {name} | {result.texts} | {counts} | {result.repaired} | {rules} | {speed:.1f} |")
    for name, result in results.items():
        print(f"\n{name}")
        for passage in result.passages:
            print(f"  {passage}")


def sets(folder: Path) -> dict[str, list[Sample]]:
    """The sets of texts by name. Texts whose paper's abstract is unknown are left out."""
    listed = list(_listed(folder))
    digest = list(_digest(folder))
    abstracts = {sample.id: sample for sample in [*listed, *digest]}
    found = {"English, ai_summary": [sample for sample in listed if sample.text]}
    for language in NO_TITLE:
        same = [sample for sample in digest if sample.language == language]
        found[f"{language}, old script"] = same
    found["malformed"] = list(_malformed(folder, abstracts))
    for name, language, kinds in (
        ("russian", "ru", ("good", "bad")),
        ("chinese", "zh", ("good", "swapped")),
    ):
        for kind in kinds:
            found[f"{name}.yaml, {kind}"] = list(_cases(name, language, kind))
    return found


def judge(samples: Iterable[Sample]) -> Result:
    """The verdicts on the texts after their repairs; texts are counted once a severity."""
    result = Result()
    for sample in samples:
        started = time.process_time()
        title = repaired_title(sample.language, sample.title)
        text = repaired_text(sample.language, sample.text)
        verdict = summary_verdict(
            language=sample.language,
            title=title,
            text=text,
            emoji=None,
            wants_emoji=False,
            limits={},
            abstract=sample.abstract,
            paper_title=sample.paper_title,
            terms=PROMPTS.terms,
            glossary=GLOSSARIES[sample.language],
        )
        result.milliseconds += 1000 * (time.process_time() - started)
        result.texts += 1
        result.repaired += (title, text) != (sample.title, sample.text)
        result.severities.update({fault.severity for fault in verdict.faults})
        result.rules.update({fault.rule for fault in verdict.faults})
        for fault in verdict.faults:
            near = _near(f"{title} / {text}", fault.quoted)
            result.passages.append(f"{sample.id} {fault.rule}: {fault.message} [{near}]")
    return result


def _near(text: str, quoted: str) -> str:
    place = max(text.find(quoted), 0)
    return excerpt(text[max(0, place - 60) : place + 60], 120)


def _listed(folder: Path) -> Iterator[Sample]:
    seen = set()
    for path in sorted((folder / "hf_api").glob("*.json")):
        for entry in _json(path):
            paper = entry.get("paper", entry)
            if paper["id"] in seen:
                continue
            seen.add(paper["id"])
            yield Sample(
                id=paper["id"],
                language="en",
                title=NO_TITLE["en"],
                text=paper.get("ai_summary") or "",
                paper_title=paper["title"],
                abstract=paper["summary"],
            )


def _digest(folder: Path) -> Iterator[Sample]:
    for path in sorted((folder / "top_papers").glob("d_*.json")):
        for paper in _json(path)["papers"]:
            for language in NO_TITLE:
                said = paper["data"][language]
                yield Sample(
                    id=paper["id"].rpartition("/")[2],
                    language=language,
                    title=said["title"],
                    text=said["desc"],
                    paper_title=paper["title"],
                    abstract=paper["abstract"],
                )


def _malformed(folder: Path, abstracts: dict[str, Sample]) -> Iterator[Sample]:
    path = folder / "malformed.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    for line in map(json.loads, lines):
        if line["kind"] not in ("ru_text", "zh_text") or line["id"] not in abstracts:
            continue
        language = line["kind"][:2]
        paper = abstracts[line["id"]]
        yield Sample(
            id=line["id"],
            language=language,
            title=NO_TITLE[language],
            text=line["value"],
            paper_title=paper.paper_title,
            abstract=paper.abstract,
        )


def _cases(name: str, language: str, kind: str) -> Iterator[Sample]:
    """Each sentence after three good ones: the language of a lone sentence is often unclear."""
    for paper in yaml.safe_load((FIXTURES / f"{name}.yaml").read_text(encoding="utf-8")):
        for case in paper[kind]:
            yield Sample(
                id=paper["title"].partition(":")[0],
                language=language,
                title=NO_TITLE[language],
                text=" ".join([*paper["good"][:3], case["text"] if kind != "good" else case]),
                paper_title=paper["title"],
                abstract=paper["abstract"],
            )


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
