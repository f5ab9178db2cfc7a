"""What the project promises of papers: fetched once, parsed once, and never worse than before."""

import json
import shutil
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from papers_pipeline.documents import fetch as documents
from papers_pipeline.sandbox.world import SAMPLE, Fault, Reply
from papers_pipeline_tests.helpers.building import Pipeline
from papers_pipeline_tests.helpers.outside import FEED, READ, Outside, calls_for, entry
from papers_pipeline_tests.helpers.terminal import papers

DAY = "2026-03-02"
TWO_COLUMNS, TEAM, BROKEN = "2602.90011", "2602.90040", "2602.90216"
FROM_DOCUMENTS = ("paper_pdfs", "parsed_text", "figures", *READ)


@pytest.fixture
def sample(outside: Outside) -> Outside:
    """An outside world that lists three of the sample papers and makes their PDFs and pages."""
    outside.list(
        DAY,
        [
            entry(TWO_COLUMNS, **told_of(TWO_COLUMNS)),
            entry(TEAM, title="A Team's Paper", organization={"name": "The Team's Company"}),
            entry(BROKEN, title="A Broken Paper", organization={"name": "Charles University"}),
        ],
    )
    shutil.copytree(SAMPLE / "papers", outside.world.folder / "papers")
    return outside


def told_of(arxiv_id: str) -> dict[str, str]:
    """The title and abstract of a sample paper: its written answers hold against no other."""
    for path in (SAMPLE / "hf_api").glob("*.json"):
        for listed in json.loads(path.read_text(encoding="utf-8")):
            if listed["paper"]["id"] == arxiv_id:
                return {name: listed["paper"][name] for name in ("title", "summary")}
    raise KeyError(arxiv_id)


def kinds(outside: Outside) -> Counter[str]:
    """What arXiv and the models were asked for since the last look."""
    asked: Counter[str] = Counter()
    for request, times in outside.world.asked.items():
        kind, _, what = request.partition(" ")
        asked["answer" if what == "answer" else kind] += times
    outside.world.asked.clear()
    asked.pop("list", None)
    return asked


def paper(pipeline: Pipeline, arxiv_id: str) -> dict:
    (found,) = (paper for paper in pipeline.json(DAY)["papers"] if paper["id"] == arxiv_id)
    return found


def authors(*names: str) -> list[dict]:
    return [{"name": name, "hidden": False} for name in names]


def test_a_paper_gets_its_institutions_figures_and_version(
    sample: Outside, pipeline: Pipeline, monkeypatch
):
    sample.list(
        DAY, [entry(TWO_COLUMNS, authors=authors("Lukas Suter", "Fatoumata Koné", "Someone Else"))]
    )
    sample.offer(monkeypatch)
    tied = [{"name": "Lukas Suter", "institutions": ["ETH Zürich"]}]
    tied.append(
        {"name": "Fatoumata Kone", "institutions": ["École Polytechnique Fédérale de Lausanne"]}
    )
    printed = [
        "Department of Computer Science, ETH Zürich, Zürich, Switzerland",
        "École Polytechnique Fédérale de Lausanne",
        "University of Nowhere",
    ]
    sample.world.replies.append(
        Reply(content={"institutions": printed, "authors": tied}, language="en", title="Study")
    )
    pipeline.build(DAY, only=(*FEED, *FROM_DOCUMENTS, "daily_issue", "daily_pages"))
    record = paper(pipeline, TWO_COLUMNS)
    assert record["version"] == 1
    assert record["affiliations"] == ["ETH Zürich", "EPFL"]
    assert {author["name"]: author["affiliations"] for author in record["authors"]} == {
        "Lukas Suter": ["ETH Zürich"],
        "Fatoumata Koné": ["EPFL"],
        "Someone Else": [],
    }
    assert record["figures"][0]["url"] == f"https://arxiv.org/html/{TWO_COLUMNS}v1/x1.png"
    assert "Fatoumata Koné: EPFL" in (pipeline.site / "en" / "p" / f"{TWO_COLUMNS}.html").read_text(
        encoding="utf-8"
    )
    page = pipeline.page(DAY)
    assert 'loading="lazy"' in page
    assert "Forecast of cache use" in page


def test_without_a_key_the_institution_is_hugging_faces_and_labelled(
    sample: Outside, pipeline: Pipeline
):
    pipeline.build_day(DAY)
    assert paper(pipeline, TEAM)["affiliations"] == ["The Team's Company"]
    (row,) = [row for row in pipeline.rows("affiliations", DAY) if row.arxiv_id == TEAM]
    assert (row.state, row.reason, row.source) == ("pending", "no_provider", "hf_organization")


def test_a_paper_without_a_pdf_stops_no_other_and_keeps_hugging_faces_institution(
    sample: Outside, pipeline: Pipeline, monkeypatch
):
    sample.offer(monkeypatch)
    report = pipeline.build_day(DAY)
    assert not report.failed
    assert (report.assets["paper_pdfs"].computed, report.assets["paper_pdfs"].failed) == (2, 1)
    states = {
        asset: {row.arxiv_id: row for row in pipeline.rows(asset, DAY)} for asset in FROM_DOCUMENTS
    }
    assert states["paper_pdfs"][BROKEN].reason == "not_a_pdf"
    assert states["parsed_text"][BROKEN].reason == "no_pdf"
    assert states["affiliations"][BROKEN].reason == "no_text"
    assert paper(pipeline, BROKEN)["affiliations"] == ["Charles University"]
    assert paper(pipeline, TEAM)["affiliations"] == []


def test_built_twice_nothing_is_fetched_parsed_or_asked_also_after_pruning(
    sample: Outside, pipeline: Pipeline, monkeypatch
):
    sample.offer(monkeypatch)
    pipeline.build_day(DAY)
    # Affiliations: one model for the first paper, two for the second, which names none; the third
    # has no text to ask about. Every other stage that reads texts asks about the first two.
    answers = sum(calls_for(3).values()) + 3 + 2 * len(set(READ) - {"affiliations"})
    assert kinds(sample) == {"pdf": 3, "html": 3, "figure": 2, "answer": answers}
    before = pipeline.files()
    for days in (0, 8):
        pipeline.clock.moment += timedelta(days=days)
        if days:
            prune(pipeline)
            assert list((pipeline.data / "blobs" / "pdf").iterdir()) == []
            monkeypatch.setattr("papers_pipeline.store.purchases.OTHER_EXPIRY", timedelta(days=30))
        report = pipeline.build_day(DAY)
        asked = kinds(sample)
        # HTML that was not there is asked for again within 14 days of publication.
        assert asked - Counter(html=1) == {}
        assert {report.assets[name].computed for name in FROM_DOCUMENTS} == {0}
    assert pipeline.files() == before


def test_pruning_finds_nothing_where_nothing_was_built(outside: Outside, pipeline: Pipeline):
    prune(pipeline)
    assert not (pipeline.data / "blobs").exists()


def test_attempts_about_a_paper_with_a_slash_in_its_id_are_pruned_too(pipeline: Pipeline):
    folder = pipeline.data / "attempts" / "2026-01-05" / "summaries_ru" / "cs.AI"
    folder.mkdir(parents=True)
    (folder / "0601001.json").write_text("{}")
    prune(pipeline)
    assert not (pipeline.data / "attempts" / "2026-01-05").exists()


def prune(pipeline: Pipeline) -> None:
    assert pipeline.run_job("prune").success


def test_a_newer_parser_parses_anew_and_a_paper_whose_pdf_is_gone_keeps_its_row(
    sample: Outside, pipeline: Pipeline, monkeypatch
):
    pipeline.build_day(DAY)
    kinds(sample)
    pipeline.clock.moment += timedelta(days=8)
    prune(pipeline)
    before = {row.arxiv_id: row for row in pipeline.rows("parsed_text", DAY)}
    monkeypatch.setattr(documents, "PARSER_VERSION", "2")
    sample.world.faults.append(Fault(f"/pdf/{TEAM}", 404, times=9))
    report = pipeline.build_day(DAY)
    after = {row.arxiv_id: row for row in pipeline.rows("parsed_text", DAY)}
    assert after[TEAM] == before[TEAM]
    assert (after[TWO_COLUMNS].parser_version, after[TWO_COLUMNS].header) == (
        "2",
        before[TWO_COLUMNS].header,
    )
    assert kinds(sample)["pdf"] == 1
    assert sample.world.faults[0].times == 8
    assert report.assets["parsed_text"].failed == 1


def test_after_an_empty_answer_the_second_model_gets_more_text(
    sample: Outside, pipeline: Pipeline, monkeypatch
):
    sample.list(DAY, [entry(TWO_COLUMNS)])
    sample.offer(monkeypatch)
    nothing = {"institutions": [], "authors": []}
    sample.world.replies.append(
        Reply(content=nothing, provider="openai", language="en", title="Study")
    )
    found = {"institutions": ["IBM Research Europe"], "authors": []}
    sample.world.replies.append(Reply(content=found, provider="mistral"))
    pipeline.build(DAY, only=(*FEED, "paper_pdfs", "parsed_text", "affiliations"))
    (row,) = pipeline.rows("affiliations", DAY)
    assert (row.provider, row.institutions) == ("mistral", ["IBM Research Europe"])
    first, second = sample.world.calls
    shown = papers("show", TWO_COLUMNS).stdout
    assert "nothing found: the next model is shown more" in shown
    assert (first.provider, second.provider) == ("openai", "mistral")


def test_an_empty_list_of_every_model_is_an_answer(
    sample: Outside, pipeline: Pipeline, monkeypatch
):
    sample.offer(monkeypatch, "openai")
    nothing = {"institutions": [], "authors": []}
    sample.world.replies.append(Reply(content=nothing, title="A Team", times=99))
    pipeline.build(DAY, only=(*FEED, "paper_pdfs", "parsed_text"))
    for calls in (2, 0):
        sample.world.calls.clear()
        pipeline.build(DAY, only=("affiliations",))
        (row,) = [row for row in pipeline.rows("affiliations", DAY) if row.arxiv_id == TEAM]
        assert (row.state, row.institutions) == ("done", [])
        assert len([call for call in sample.world.calls if call.title == "A Team's Paper"]) == calls


def test_title_pages_are_judged_by_labels(outside: Outside, monkeypatch, tmp_path: Path):
    outside.world.folder = SAMPLE
    outside.offer(monkeypatch)
    result = papers("prompts", "eval", "affiliations")
    assert result.exit_code == 0, result.output
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines[1] == ["institutions", "76", "76", "76", "100.0%", "100.0%"]
    assert lines[2] == ["author", "links", "142", "142", "142", "100.0%", "100.0%"]
    labels = tmp_path / "labels.jsonl"
    wrong = {
        "id": TWO_COLUMNS,
        "title": "X",
        "affiliations": ["MIT"],
        "optional": ["IBM Research Europe"],
    }
    labels.write_text(json.dumps(wrong))
    result = papers("prompts", "eval", "affiliations", "--labels", str(labels))
    assert f"{TWO_COLUMNS}: missed MIT; unexpected: ETH Zürich" in result.stdout
    labels.write_text("{}")
    result = papers("prompts", "eval", "affiliations", "--labels", str(labels))
    assert result.exit_code == 2
    assert "labels.jsonl, line 1:" in result.stderr


def test_institutions_are_not_bought_again_without_purchases_though_rows_hold_only_a_part(
    sample: Outside, pipeline: Pipeline, monkeypatch
):
    sample.offer(monkeypatch)
    pipeline.build_day(DAY)
    rows = {asset: pipeline.rows(asset, DAY) for asset in READ}
    assert "done" in {row.state for row in rows["affiliations"]}
    shutil.rmtree(pipeline.data / "purchases")
    kinds(sample)
    pipeline.build_day(DAY)
    asked = kinds(sample)
    assert (asked["answer"], asked["pdf"]) == (0, 3)
    assert {asset: pipeline.rows(asset, DAY) for asset in READ} == rows
    assert not (pipeline.data / "purchases" / "affiliations").exists()
