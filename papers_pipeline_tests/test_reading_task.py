"""The Chinese reading task of a day: chosen once, bought once, translated by language, shown."""

import csv
import json
import re
from pathlib import Path

import pytest

from papers_pipeline.prompts.prompt import PACKAGED
from papers_pipeline.records import ReadingTask
from papers_pipeline.sandbox.world import SAMPLE, Reply
from papers_pipeline.store import files as storage
from papers_pipeline.store.lake import encode
from papers_pipeline_tests.helpers.building import Pipeline, build_once, overlay_prompt
from papers_pipeline_tests.helpers.outside import FEED, LANGUAGES, READING, Outside, entry
from papers_pipeline_tests.helpers.terminal import papers

DAY = "2026-03-02"
IDS = ("2603.10000", "2603.10001", "2603.10002")


def votes(*upvotes: int, **changes) -> list[dict]:
    return [
        entry(arxiv_id, title=f"Kettle {arxiv_id}", upvotes=number, **changes)
        for arxiv_id, number in zip(IDS, upvotes, strict=False)
    ]


def page(pipeline: Pipeline, language: str, name: str = f"{DAY}.html") -> str:
    """The text of a page, with its no-break spaces as plain ones."""
    text = (pipeline.site / language / "reading" / name).read_text(encoding="utf-8")
    return text.replace("\N{NO-BREAK SPACE}", " ")


OTHER = [
    "模型现在很快。",
    "作者做了实验。",
    "结果比以前好。",
    "他们用了很多数据。",
    "以后还会更快。",
]


def other_text() -> Reply:
    """Another good answer than the sandbox's own."""
    return Reply(content={"sentences": OTHER}, language="zh", title="Kettle")


def task(pipeline: Pipeline) -> dict:
    return pipeline.json(DAY)["reading_task"]


def test_the_paper_with_most_votes_is_chosen_once_and_later_votes_neither_change_nor_stale_it(
    outside: Outside, pipeline: Pipeline, monkeypatch
):
    outside.offer(monkeypatch)
    outside.list(DAY, votes(1, 9, 9))
    pipeline.build_day(DAY)
    assert (task(pipeline)["id"], task(pipeline)["state"]) == (IDS[1], "done")
    rows = {asset: pipeline.rows(asset, DAY) for asset in READING}
    outside.calls()
    outside.list(DAY, votes(99, 9, 9))
    pipeline.build(DAY, only=FEED)
    assert pipeline.stale(DAY) & set(READING) == set()
    pipeline.build_day(DAY)
    assert {asset: pipeline.rows(asset, DAY) for asset in READING} == rows
    assert task(pipeline)["id"] == IDS[1]
    assert outside.calls() == {}


def test_a_paper_without_abstract_is_not_chosen_and_one_that_leaves_the_list_stays_chosen(
    outside: Outside, pipeline: Pipeline, monkeypatch
):
    outside.list(DAY, [*votes(3, 2), entry(IDS[2], summary="", upvotes=9)])
    pipeline.build_day(DAY)
    assert (task(pipeline)["id"], task(pipeline)["reason"]) == (IDS[0], "no_provider")
    outside.list(DAY, votes(3, 2)[1:])
    outside.offer(monkeypatch)
    pipeline.build_day(DAY)
    assert (task(pipeline)["id"], task(pipeline)["state"]) == (IDS[0], "done")


def test_without_a_key_the_page_says_so_and_nothing_is_made_up(
    outside: Outside, pipeline: Pipeline
):
    outside.list(DAY, votes(1))
    pipeline.build_day(DAY)
    assert task(pipeline) | {"title": ""} == {
        **{
            "id": IDS[0],
            "title": "",
            "state": "pending",
            "reason": "no_provider",
            "level": None,
            "sentences": [],
        },
        **{
            "vocabulary": [],
            "translations": {},
            "provider": None,
            "model": None,
            "created_at": None,
        },
        "prompt_version": pipeline.rows("reading_task", DAY)[0].prompt_version,
    }
    for language, said in {
        "ru": "в этой сборке не было доступа к языковым моделям",
        "en": "this build had no access to language models",
        "zh": "本次生成时没有可用的语言模型",
    }.items():
        assert said in page(pipeline, language)
        assert f"{language}/reading/{DAY}.html" in pipeline.page(DAY, language)
        assert "<ruby>" not in page(pipeline, language)
    assert not (pipeline.site / "en" / "reading" / f"{DAY}.tsv").exists()


def test_a_day_without_papers_has_no_task(outside: Outside, pipeline: Pipeline):
    outside.list(DAY, [])
    pipeline.build_day(DAY)
    assert task(pipeline) is None
    assert f"reading/{DAY}.html" not in pipeline.page(DAY)


@pytest.fixture
def sample(outside: Outside, pipeline: Pipeline, monkeypatch, shared: Path) -> Pipeline:
    """The third sample day, built with keys."""
    outside.world.folder = SAMPLE
    outside.offer(monkeypatch)
    assets = (*FEED, *READING, "daily_issue", "daily_pages")
    build_once(pipeline, shared / "sample-day", lambda: pipeline.build(SAMPLE_DAY, only=assets))
    return pipeline


SAMPLE_DAY = "2026-03-04"


def test_sentences_vocabulary_and_translations_of_a_sample_day(sample: Pipeline):
    given = sample.json(SAMPLE_DAY)["reading_task"]
    assert (given["id"], given["state"], given["level"]) == ("2602.90204", "done", 4)
    assert list(given["translations"]) == [code for code in LANGUAGES if code != "zh"]
    for translation in given["translations"].values():
        assert len(translation["sentences"]) == len(given["sentences"]) == 7
    words = {
        part["text"]: part["pinyin"]
        for sentence in given["sentences"]
        for part in sentence["words"]
    }
    assert words["长上下文"] == "cháng shàngxiàwén"
    for word in given["vocabulary"]:
        assert words[word["word"]] == word["pinyin"]
        assert word["meanings"]["ru"]["source"] == "model"
        assert word["meanings"]["en"]["source"] in ("cc-cedict", "glossary")
        assert re.search("[а-я]", word["meanings"]["ru"]["text"])
    assert sample.rows("reading_translation_en", SAMPLE_DAY)[0].meanings == {}


def test_the_page_has_ruby_translation_and_vocabulary_and_names_its_sources(sample: Pipeline):
    russian = (sample.site / "ru" / "reading" / f"{SAMPLE_DAY}.html").read_text(encoding="utf-8")
    assert (
        '<ruby>长上下文<rp>(</rp><rt lang="zh-Latn-pinyin">cháng shàngxiàwén</rt><rp>)</rp></ruby>'
        in russian
    )
    assert 'class="hanzi" lang="zh-Hans"' in russian
    assert "Обычное внимание должно помнить каждый токен" in russian
    assert '<button type="button" class="pinyin" aria-pressed="true">' in russian
    assert "CC BY-SA 4.0" in russian
    assert russian.count('<th scope="row" lang="zh-Hans">') == 12
    chinese = (sample.site / "zh" / "reading" / f"{SAMPLE_DAY}.html").read_text(encoding="utf-8")
    assert 'class="translation"' not in chinese
    assert '<span lang="en">long context</span>' in chinese


def test_the_words_for_anki(sample: Pipeline):
    lines = (
        (sample.site / "ru" / "reading" / f"{SAMPLE_DAY}.tsv")
        .read_text(encoding="utf-8")
        .splitlines()
    )
    assert lines[:2] == ["#separator:tab", "#html:false"]
    assert lines[2].startswith("#columns:Word\tPinyin\tMeaning\tHSK\t")
    notes = list(csv.reader(lines[3:], dialect="excel-tab"))
    assert {len(note) for note in notes} == {7}
    assert [note[:4] for note in notes if note[0] == "内存"] == [
        ["内存", "nèicún", "память (компьютера)", "7–9"]
    ]
    assert all(note[0] in note[4] and note[6] for note in notes)


def test_the_index_lists_the_tasks_of_all_days_by_level(
    outside: Outside, pipeline: Pipeline, monkeypatch
):
    outside.offer(monkeypatch)
    outside.list(DAY, votes(1))
    outside.list("2026-03-03", [entry("2603.10009", title="Whistles")])
    pipeline.build(DAY, "2026-03-03")
    index = page(pipeline, "en", "index.html")
    assert re.findall(r"<h2[^>]*>(.*?)</h2>", index) == [f"HSK {level(task(pipeline))}"]
    assert re.findall(r'href="(2026-\d\d-\d\d)\.html"', index) == ["2026-03-03", DAY]


def level(given: dict) -> str:
    return "7–9" if given["level"] == 7 else str(given["level"])


def test_a_language_added_buys_only_its_own_translation(
    outside: Outside, pipeline: Pipeline, monkeypatch
):
    outside.offer(monkeypatch)
    outside.list(DAY, votes(1))
    monkeypatch.setenv("PAPERS_LANGUAGES", "ru,zh")
    pipeline.build_day(DAY)
    assert outside.calls() == {
        "ru": 1,
        "zh": 1,
        "topic_tags": 1,
        "reading_task": 1,
        "reading_translation_ru": 1,
    }
    monkeypatch.setenv("PAPERS_LANGUAGES", "ru,en,zh")
    pipeline.build_day(DAY)
    assert outside.calls() == {"en": 1, "reading_translation_en": 1}


def test_a_changed_prompt_buys_the_text_anew_and_what_is_translated_from_it(
    outside: Outside, pipeline: Pipeline, monkeypatch, tmp_path
):
    outside.offer(monkeypatch)
    outside.list(DAY, votes(1, 2))
    pipeline.build_day(DAY)
    outside.calls()
    overlay_prompt(tmp_path, monkeypatch, "reading_task.md", "不夸奖，不猜测", "不夸奖，也不猜")
    rows = json.loads(papers("plan", "--json").stdout)["rows"]
    behind = [
        (row["asset"], row["state"], row["calls"]) for row in rows if row["state"] != "current"
    ]
    assert behind == [(asset, "stale", 1) for asset in READING]
    outside.world.replies.append(other_text())
    assert papers("refresh", "--yes").exit_code == 0
    assert outside.calls() == dict.fromkeys(READING, 1)
    assert [sentence["text"] for sentence in task(pipeline)["sentences"]] == OTHER
    assert len(task(pipeline)["translations"]["ru"]["sentences"]) == 5
    assert "All current" in papers("plan").stdout


def test_new_dictionaries_annotate_a_stored_text_again_and_keep_its_words(
    outside: Outside, pipeline: Pipeline, monkeypatch
):
    outside.offer(monkeypatch)
    outside.list(DAY, votes(1))
    pipeline.build_day(DAY)
    outside.calls()
    (built,) = pipeline.rows("reading_task", DAY)
    chosen = built.vocabulary[:3]
    misread = [word.model_copy(update={"pinyin": "?", "level": 1}) for word in chosen]
    earlier = built.model_copy(update={"read_with": "earlier", "vocabulary": misread, "level": 1})
    storage.write(pipeline.lake.path("reading_task", DAY), encode([earlier], ReadingTask))
    pipeline.build_day(DAY)
    assert pipeline.rows("reading_task", DAY) == [built.model_copy(update={"vocabulary": chosen})]


def test_a_text_whose_translation_failed_shows_no_translation_of_another(
    outside: Outside, pipeline: Pipeline, monkeypatch, tmp_path
):
    outside.offer(monkeypatch)
    outside.list(DAY, votes(1))
    pipeline.build_day(DAY)
    outside.world.replies.append(other_text())
    outside.world.replies.append(Reply("refusal", language="ru", times=9))
    assert papers("redo", IDS[0], "--only", "reading_task").exit_code == 0
    assert task(pipeline)["translations"]["ru"]["reason"] == "unusable"
    assert "ни один ответ языковых моделей не прошёл нашу проверку" in page(pipeline, "ru")
    assert len(task(pipeline)["translations"]["en"]["sentences"]) == 5


def test_redo_rebuilds_the_day_whose_text_is_about_the_paper(
    outside: Outside, pipeline: Pipeline, monkeypatch
):
    outside.offer(monkeypatch)
    outside.list(DAY, votes(3))
    outside.list("2026-03-03", votes(3, 9))
    pipeline.build(DAY, "2026-03-03")
    other = pipeline.json("2026-03-03")
    assert (task(pipeline)["id"], other["reading_task"]["id"]) == (IDS[0], IDS[1])
    outside.world.replies.append(other_text())
    assert papers("redo", IDS[0], "--only", "reading_task").exit_code == 0
    assert [sentence["text"] for sentence in task(pipeline)["sentences"]] == OTHER
    assert pipeline.json("2026-03-03") == other
    refused = papers("redo", IDS[2], "--only", "reading_task")
    assert (refused.exit_code, "no built day has listed it" in refused.stderr) == (1, True)


def test_redo_tells_of_stale_translations_of_the_text_too(
    outside: Outside, pipeline: Pipeline, monkeypatch, tmp_path
):
    outside.offer(monkeypatch)
    outside.list(DAY, votes(3))
    pipeline.build_day(DAY)
    fresh = papers("redo", IDS[0], "--only", "reading_task")
    assert (fresh.exit_code, "come too" in fresh.stderr) == (0, False)
    overlay_prompt(tmp_path, monkeypatch, "reading_translation.md", "You", "You, the editor,")
    told = papers("redo", IDS[0], "--only", "reading_task")
    assert (told.exit_code, "come too" in told.stderr) == (0, True)


def test_a_bad_answer_is_sent_back_with_its_fault(
    outside: Outside, pipeline: Pipeline, monkeypatch
):
    """The layout with pinyin under each line, as another digest once published it."""
    outside.offer(monkeypatch)
    outside.list(DAY, votes(1))
    lines = [
        "这篇文章研究社会行为的产生。\nZhè piān wénzhāng yánjiū shèhuì xíngwéi de chǎnshēng."
    ] * 5
    outside.world.replies.append(Reply(content={"sentences": lines}, language="zh", title="Kettle"))
    pipeline.build(DAY, only=(*FEED, "reading_task"))
    (row,) = pipeline.rows("reading_task", DAY)
    assert row.state == "done"
    assert all("Zhè" not in sentence.text for sentence in row.sentences)
    assert outside.calls() == {"reading_task": 2}


def test_prompts_of_all_assets_are_packaged():
    assert {path.stem for path in PACKAGED.glob("reading_*.md")} == {
        "reading_task",
        "reading_translation",
    }
