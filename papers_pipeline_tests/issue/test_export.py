"""The data files hold what may be passed on, a paper a row, and nothing else."""

import io
import json
from datetime import date

import pyarrow.parquet as pq
from upath import UPath

from papers_pipeline.issue.dataset import Exported, write_dataset
from papers_pipeline.issue.export import exported, json_lines, parquet
from papers_pipeline.records import DailyIssue, IssueText
from papers_pipeline.store import lake as tables
from papers_pipeline.store.lake import Lake
from papers_pipeline_tests.helpers.pages import DAY, LANGUAGES, issue, paper, written
from papers_pipeline_tests.helpers.terminal import papers

NEXT_DAY, NEXT_MONTH = date(2025, 2, 11), date(2025, 3, 3)


def on(day: date, *listed) -> DailyIssue:
    return issue(*listed).model_copy(update={"date": day})


def test_a_paper_of_two_days_is_one_row_with_both_days_its_most_votes_and_latest_text():
    late = written("en").model_copy(update={"title": "Bridges, Again"})
    rows = exported(
        [
            on(NEXT_DAY, paper(upvotes=5, summaries={"en": late})),
            on(DAY, paper(upvotes=21), paper("2502.00000")),
        ]
    )
    assert [row.arxiv_id for row in rows] == ["2502.00000", "2502.00001"]
    assert rows[1].days == [DAY, NEXT_DAY]
    assert rows[1].upvotes == 21
    assert [text.title for text in rows[1].texts] == ["Bridges, Again"]


def test_a_paper_that_moved_is_left_to_its_other_day():
    assert exported([on(DAY, paper(moved_to=NEXT_DAY))]) == []


def test_only_our_own_texts_are_passed_on():
    others = {
        "en": IssueText(state="done", source="hf_ai_summary", title="T", text="By others."),
        "ru": written("ru"),
        "zh": IssueText(state="failed", reason="refused"),
    }
    (row,) = exported([on(DAY, paper(summaries=others))])
    assert [text.language for text in row.texts] == ["ru"]
    (line,) = json_lines([row]).splitlines()
    passed_on = json.loads(line)
    assert "By others." not in line.decode()
    assert paper().abstract not in line.decode()
    assert passed_on["texts"][0]["prompt_version"] == "abc123"
    assert passed_on["authors"] == ["Ada Example", "Bo Sample"]


def test_both_formats_have_the_same_rows_and_bytes_do_not_vary():
    rows = exported([on(DAY, paper(), paper("2502.00000", title="a\nb"))])
    lines = [json.loads(line) for line in json_lines(rows).splitlines()]
    table = pq.read_table(io.BytesIO(parquet(rows))).to_pylist()
    assert [row["id"] for row in table] == [line["id"] for line in lines]
    assert [row["title"] for row in table] == [line["title"] for line in lines]
    assert [len(row["texts"]) for row in table] == [len(LANGUAGES)] * 2
    assert parquet(rows) == parquet(rows)


def test_a_dataset_has_a_file_a_month_and_a_card_and_is_written_once(tmp_path):
    lake = Lake(UPath(tmp_path / "lake"))
    for day in (DAY, NEXT_MONTH):
        tables.write(lake.path("daily_issue", str(day)), [on(day, paper())], DailyIssue)
    folder = UPath(tmp_path / "dataset")
    assert write_dataset(lake, folder) == Exported(files=5, changed=5, papers=2)
    assert write_dataset(lake, folder) == Exported(files=5, changed=0, papers=2)
    files = {file.relative_to(folder).as_posix() for file in folder.rglob("*.*")}
    assert files == {
        "README.md",
        *("data/2025-02.parquet", "data/2025-03.parquet"),
        *("json/2025-02.jsonl", "json/2025-03.jsonl"),
    }
    card = (folder / "README.md").read_text()
    assert "license: cc-by-4.0" in card
    assert "language: [en, ru, zh]" in card
    assert "| 2025-02 to 2025-03 | 2 |" in card


def test_the_command_says_what_it_wrote(tmp_path):
    assert papers("export", "--to", str(tmp_path / "out")).stdout == (
        f"{tmp_path / 'out'}: 0 files, 0 changed, 0 papers\n"
    )
