"""Real malformed answers, from PAPERS_REAL_DATA: each is repaired, refused or warned about."""

import json
import os
import re
from pathlib import Path

import pytest

from papers_pipeline.base import loop
from papers_pipeline.base.per_paper import NullProgress
from papers_pipeline.enrichment.enrich import enrich
from papers_pipeline.enrichment.reading import annotate
from papers_pipeline.enrichment.stages import load_stages
from papers_pipeline.enrichment.stages.affiliations import PrintedAffiliations, TitlePage
from papers_pipeline.records import Affiliations, Paper, ParsedPaper, ReadingTask
from papers_pipeline.sandbox.world import Reply
from papers_pipeline_tests.helpers.buying import PROVIDERS, Desk
from papers_pipeline_tests.helpers.outside import LONG_AGO, PROMPTS, Outside

REAL = Path(os.environ["PAPERS_REAL_DATA"])
VALUES = {
    line["n"]: line
    for line in map(json.loads, (REAL / "malformed.jsonl").read_text(encoding="utf-8").splitlines())
}


@pytest.fixture
def desk(outside: Outside, tmp_path: Path) -> Desk:
    return Desk(outside, tmp_path / "state")


def real_paper(number: int, day: str) -> Paper:
    listed = json.loads((REAL / "hf_api" / f"{day}.json").read_text(encoding="utf-8"))
    (paper,) = [entry["paper"] for entry in listed if entry["paper"]["id"] == VALUES[number]["id"]]
    return Paper(
        arxiv_id=paper["id"],
        title=paper["title"],
        abstract=paper["summary"],
        authors=[],
        first_seen_at=LONG_AGO,
    )


def replay(desk: Desk, content, **fits) -> None:
    desk.outside.world.replies.append(Reply(content=content, **fits))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_topics_in_a_python_fence_are_repaired(desk: Desk, provider: str):
    desk.made(provider)
    replay(desk, VALUES[19]["value"])
    row = desk.buy("topic_tags", [real_paper(19, "2025-02-06")]).row
    assert (row.state, row.source) == ("done", "model")
    assert len(desk.outside.world.calls) == 2


STAGES = load_stages(PROMPTS)
AFFILIATIONS = STAGES["affiliations"]
PLACES = ("Beijing", "Singapore", "USA", "France", "Atlanta", "Brooklyn")


def title_page(number: int, header: str) -> TitlePage:
    paper = Paper(
        arxiv_id=VALUES[number]["id"], title="T", abstract="", authors=[], first_seen_at=LONG_AGO
    )
    return TitlePage(
        paper, ParsedPaper(arxiv_id=paper.arxiv_id, state="done", parser_version="1", header=header)
    )


def read_page(desk: Desk, page: TitlePage) -> Affiliations:
    rows, _, _ = loop.run(
        enrich(AFFILIATIONS, [page], models=desk.models, concurrency=1, progress=NullProgress())
    )
    return rows[0]


@pytest.mark.parametrize(
    "number", [n for n, line in VALUES.items() if line["kind"] == "affiliation"]
)
def test_malformed_institutions_end_clean_or_are_refused(desk: Desk, number: int):
    value = VALUES[number]["value"]
    replay(desk, {"institutions": value, "authors": []}, times=99)
    row = read_page(desk, title_page(number, "\n".join(value)))
    assert row.state in ("done", "failed")
    for name in row.institutions:
        assert (
            AFFILIATIONS.judge(
                PrintedAffiliations(institutions=[name], authors=[]), {"header": name}
            ).faults
            == ()
        )
        assert not re.search(r"\d|;|/|\bTeam\b|Department", name)
        assert not any(
            re.search(rf"\b{place}$", name)
            for place in PLACES
            if not name.startswith("National University of")
        )
    assert (row.state == "failed") == (number == 1)
    assert number == 1 or row.institutions or number == 15


def test_an_empty_list_in_a_fence_is_asked_of_the_next_model(desk: Desk):
    replay(desk, VALUES[17]["value"], provider="openai", times=9)
    replay(
        desk, {"institutions": ["Carnegie Mellon University"], "authors": []}, provider="mistral"
    )
    row = read_page(desk, title_page(17, "Carnegie Mellon University"))
    assert (row.state, row.provider, row.institutions) == (
        "done",
        "mistral",
        ["Carnegie Mellon University"],
    )


def test_a_list_in_a_fence_is_repaired(desk: Desk):
    names = re.findall(r'"(.+?)"', VALUES[23]["value"])
    replay(desk, VALUES[23]["value"])
    replay(desk, {"institutions": names, "authors": []})
    row = read_page(desk, title_page(23, "\n".join(names)))
    assert (row.state, row.institutions) == ("done", names)
    assert len(desk.outside.world.calls) == 2


@pytest.mark.parametrize("times", [1, 9])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_topics_outside_the_list_are_repaired_or_refused(desk: Desk, provider: str, times: int):
    desk.made(provider)
    replay(desk, {"topics": VALUES[25]["value"]}, times=times)
    row = desk.buy("topic_tags", [real_paper(25, "2025-03-19")]).row
    assert row.state == ("done" if times == 1 else "failed")
    assert "#creativity" not in row.topics


def test_nothing_is_asked_about_papers_without_an_abstract(desk: Desk):
    """Models once invented texts about two such papers."""
    for number in (27, 29):
        title = VALUES[number]["value"]["title"] if number == 29 else "No abstract"
        paper = Paper(
            arxiv_id=VALUES[number]["id"],
            title=title,
            abstract="",
            authors=[],
            first_seen_at=LONG_AGO,
        )
        for asset in ("topic_tags", "summaries_ru", "summaries_en", "summaries_zh"):
            row = desk.buy(asset, [paper]).row
            assert (row.state, row.reason) == ("pending", "no_abstract")
    assert desk.outside.world.calls == []


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_english_adverb_in_russian_is_repaired(desk: Desk, provider: str):
    desk.made(provider)
    text = " ".join([VALUES[31]["value"]] * 4)
    replay(desk, {"title": "Память без потерь", "text": text, "emoji": "🧠"})
    row = desk.buy("summaries_ru", [real_paper(19, "2025-02-06")]).row
    assert row.state == "done"
    assert "drastically" not in row.text
    faults = desk.attempts()[0]["verdicts"][0]["faults"]
    assert any('"drastically"' in fault["message"] for fault in faults)


def test_a_wrong_number_in_chinese_is_sent_back_and_then_marked(desk: Desk):
    text = VALUES[33]["value"] + "。它沿用增量规则。门控是向量值的。代码已经公开。"
    replay(desk, {"title": "恒定内存的序列模型", "text": text}, times=99)
    row = desk.buy("summaries_zh", [real_paper(33, "2025-03-19")]).row
    assert (row.state, row.text) == ("done", text.replace("3亿", " 3 亿"))
    assert "3 亿" in row.unverified
    assert len(desk.outside.world.calls) == 3


def test_a_good_russian_answer_passes_at_once(desk: Desk):
    """Its own emoji was 🧠, which says nothing about a paper: that is sent back."""
    given = json.loads(VALUES[21]["value"])
    replay(desk, {"title": given["title"], "text": given["desc"], "emoji": "🔗"})
    row = desk.buy("summaries_ru", [real_paper(21, "2025-02-06")]).row
    assert (row.title, row.text, row.emoji) == (given["title"], given["desc"], "🔗")
    assert len(desk.outside.world.calls) == 1


def test_pinyin_comes_from_no_model_and_lines_of_it_are_sent_back(desk: Desk):
    lines = VALUES[35]["value"].split("\n\n")
    replay(desk, {"sentences": lines * 3}, title="SocioVerse")
    paper = Paper(
        arxiv_id="2502.01506",
        title="SocioVerse",
        abstract="Agents.",
        authors=[],
        first_seen_at=LONG_AGO,
    )
    row = desk.buy("reading_task", [paper]).row
    assert (row.state, len(desk.outside.world.calls)) == ("done", 2)
    first, *_ = desk.attempts()[0]["verdicts"][0]["faults"]
    assert first["rule"] == "unfinished"
    written = [sentence.text for sentence in row.sentences]
    assert not any("shèhuì" in text for text in written)
    # The same sentences without the lines of pinyin are read by the libraries.
    first = annotate([line.split("\n")[0] for line in lines]).sentences[0]
    assert [word.text for word in first.words if word.text == "行为"] == ["行为"]
    assert next(word.pinyin for word in first.words if word.text == "行为") == "xíngwéi"


def test_a_vocabulary_word_is_chinese_and_of_the_text(desk: Desk):
    stage = STAGES["reading_translation_ru"]
    text = annotate(["TwinMarket 是一个新的模型。"])
    words = [word for word in text.vocabulary if word.word == "模型"]
    item = ReadingTask(
        **{"arxiv_id": "2502.01506", "state": "done", "prompt_version": "", "input_hash": ""},
        sentences=text.sentences,
        vocabulary=words,
    )
    good = {
        "sentences": ["TwinMarket — это новая модель."],
        "meanings": [{"word": "模型", "meaning": "модель"}],
    }
    bad = {"word": VALUES[37]["value"]["word"], "meaning": VALUES[37]["value"]["trans"]}
    replay(desk, good | {"meanings": [*good["meanings"], bad]})
    replay(desk, good)
    rows, _, _ = loop.run(
        enrich(stage, [item], models=desk.models, concurrency=1, progress=NullProgress())
    )
    assert (rows[0].state, rows[0].meanings) == ("done", {"模型": "модель"})
    (fault,) = desk.attempts()[0]["verdicts"][0]["faults"]
    assert "Not among the given words: TwinMarket" in fault["message"]
