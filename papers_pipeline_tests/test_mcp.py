"""Assistants search and read the stored papers over MCP, and change nothing."""

import json
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters
from mcp.types import CallToolResult

from papers_pipeline.cli.mcp_server import MOST_CHARACTERS, MOST_PAPERS, mcp_server
from papers_pipeline.records import IssueAuthor, IssuePaper, IssueText, IssueTopics
from papers_pipeline_tests.helpers.pages import HOSTILE, lake_of, paper, renderer, written

MONDAY, TUESDAY = date(2026, 3, 2), date(2026, 3, 3)
WIND, CLOTH = "2603.00001", "2603.00002"
CLOTH_TEXTS = {
    "ru": ("Робот складывает ткань", "Манипулятор узнаёт складки на ощупь."),
    "en": ("A robot folds cloth", "The arm finds creases by touch."),
    "zh": ("机器人折叠布料", "机械臂用强化学习找到褶皱。"),
}


def cloth(**changes: Any) -> IssuePaper:
    texts = {}
    for language, (title, text) in CLOTH_TEXTS.items():
        texts[language] = written(language).model_copy(update={"title": title, "text": text})
    fields = {
        "title": "Tactile Folding of Cloth",
        "abstract": "We fold cloth without a camera.",
        "authors": [IssueAuthor(name="Zoë Müller")],
        "institutions": ["ETH Zürich"],
        "topics": IssueTopics(names=["robotics"], source="model"),
        "summaries": texts,
    }
    return paper(CLOTH, **(fields | changes))


class Asked:
    """A server over days, asked by the SDK's client in this process."""

    def __init__(self, folder: Path, *days: tuple[date, list[IssuePaper]], url: str | None) -> None:
        self.folder = folder
        self.server = mcp_server(lake_of(folder, *days), renderer(url), "1")

    def result(self, tool: str, **arguments: Any) -> CallToolResult:
        async def ask() -> CallToolResult:
            async with Client(self.server) as client:
                return await client.call_tool(tool, arguments)

        return anyio.run(ask)

    def answer(self, tool: str, **arguments: Any) -> Any:
        result = self.result(tool, **arguments)
        assert not result.is_error, result.content
        return result.structured_content or result.content[0].text

    def error(self, tool: str, **arguments: Any) -> str:
        result = self.result(tool, **arguments)
        assert result.is_error
        return result.content[0].text

    def found(self, query: str, **arguments: Any) -> list[str]:
        papers = self.answer("search_papers", query=query, **arguments)["papers"]
        return [each["arxiv_id"] for each in papers]


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    days = ((MONDAY, [paper(WIND)]), (TUESDAY, [cloth()]))
    return Asked(tmp_path, *days, url="https://digest.example")


def test_the_tools_are_read_only_and_described(asked: Asked):
    async def listed():
        async with Client(asked.server) as client:
            return (await client.list_tools()).tools, client.instructions

    tools, instructions = anyio.run(listed)
    assert [tool.name for tool in tools] == ["search_papers", "day", "paper", "trends"]
    assert all(tool.annotations.read_only_hint and tool.description for tool in tools)
    assert "not as instructions" in instructions


@pytest.mark.parametrize(
    "query",
    [
        *("cloth", "FOLDING", "folds", "tactile robots", "Muller", "eth zurich", CLOTH),
        *("роботы", "складкам", "Манипуляторы"),
        *("机器人", "折叠布料", "强化学习", "布"),
        "cloth and a word that is nowhere",
    ],
)
def test_a_paper_is_found_by_its_words_in_any_language(asked: Asked, query: str):
    assert asked.found(query)[0] == CLOTH


@pytest.mark.parametrize("query", ["", "…", '"', "NEAR(", "zzzz", "机关", "title:x*", HOSTILE[:20]])
def test_what_is_not_there_is_not_found_and_no_syntax_breaks_the_search(asked: Asked, query: str):
    assert asked.found(query) == []


def test_a_title_counts_more_than_an_abstract(tmp_path: Path):
    words = {"title": "Gusts", "abstract": "Kettles are mentioned."}
    in_title = paper("2603.00002", title="Kettles", abstract="Gusts.", summaries={})
    in_text = paper("2603.00001", **words, summaries={})
    asked = Asked(tmp_path, (MONDAY, [in_text, in_title]), url=None)
    assert asked.found("kettles") == ["2603.00002", "2603.00001"]


def test_a_search_has_a_first_day_and_a_limit(asked: Asked):
    assert set(asked.found("windy bridge cloth")) == {WIND, CLOTH}
    assert asked.found("bridge", since="2026-03-03") == []
    assert len(asked.found("wind cloth camera", limit=1)) == 1
    assert "limit" in asked.error("search_papers", query="wind", limit=MOST_PAPERS + 1)
    assert "since" in asked.error("search_papers", query="wind", since="yesterday")


def test_a_paper_of_several_days_is_found_once_on_the_last(tmp_path: Path):
    moved = cloth(moved_to=TUESDAY, status="gone")
    days = ((MONDAY, [moved]), (TUESDAY, [cloth()]), (TUESDAY + timedelta(1), [cloth()]))
    asked = Asked(tmp_path, *days, url=None)
    (found,) = asked.answer("search_papers", query="cloth")["papers"]
    assert (found["arxiv_id"], found["day"]) == (CLOTH, "2026-03-04")


def test_days_that_are_built_meanwhile_are_found(asked: Asked):
    assert asked.found("kettle") == []
    changed = cloth(title="Kettles", upvotes=3)
    lake_of(asked.folder, (TUESDAY, [changed]), (TUESDAY + timedelta(1), [paper("2603.00003")]))
    assert asked.found("kettle") == [CLOTH]
    assert set(asked.found("gusts")) == {WIND, "2603.00003"}
    lake_of(asked.folder).path("daily_issue", str(TUESDAY)).unlink()
    assert asked.found("kettle") == []


def test_an_answer_is_in_the_language_that_is_asked_for(asked: Asked):
    (found,) = asked.answer("search_papers", query="cloth", language="zh")["papers"]
    assert (found["headline"], found["text"]) == CLOTH_TEXTS["zh"]
    assert found["title"] == "Tactile Folding of Cloth"
    assert found["page"] == f"https://digest.example/zh/p/{CLOTH}.html"
    assert asked.answer("day", date="2026-03-03")["papers"][0]["headline"] == "A robot folds cloth"
    assert "only ru, en, zh" in asked.error("paper", arxiv_id=CLOTH, language="de")


def test_a_day_has_its_papers_and_an_unknown_one_names_the_days(tmp_path: Path, asked: Asked):
    many = [paper(f"2603.{number:05}") for number in range(MOST_PAPERS + 2)]
    full = Asked(tmp_path / "full", (MONDAY, many), url=None)
    day = full.answer("day", date="2026-03-02")
    assert (day["state"], len(day["papers"]), day["left_out"]) == ("listed", MOST_PAPERS, 2)
    assert day["papers"][0]["page"] == "https://arxiv.org/abs/2603.00000"
    error = asked.error("day", date="2026-03-09")
    assert "2026-03-09 was not built. There are 2 days from 2026-03-02 to 2026-03-03." in error


def test_a_paper_is_its_markdown_and_an_unknown_one_is_an_error(asked: Asked):
    markdown = asked.answer("paper", arxiv_id=CLOTH, language="ru")
    assert markdown.startswith("# Робот складывает ткань\n")
    assert markdown.endswith(f"https://digest.example/ru/p/{CLOTH}.html\n")
    for unknown in ("2603.09999", "../../etc/passwd", HOSTILE):
        assert "no built day lists the paper" in asked.error("paper", arxiv_id=unknown)


def test_a_paper_is_bounded(tmp_path: Path):
    long = cloth(abstract="Cloth. " * 50_000)
    asked = Asked(tmp_path, (MONDAY, [long]), url=None)
    assert len(asked.answer("paper", arxiv_id=CLOTH)) < MOST_CHARACTERS + 100


def test_trends_compare_a_period_with_the_one_before_it(tmp_path: Path):
    def of(number: int, topic: str) -> IssuePaper:
        topics = IssueTopics(names=[topic], source="model")
        return paper(f"2603.{number:05}", topics=topics, institutions=["MIT"])

    days = [(MONDAY + timedelta(n), [of(n, "rl" if n < 7 else "cv")]) for n in range(14)]
    asked = Asked(tmp_path, *days, url=None)
    trends = asked.answer("trends", days=7)
    assert (trends["first"], trends["last"]) == ("2026-03-09", "2026-03-15")
    assert (trends["papers"], trends["before"]) == (7, 7)
    assert trends["topics"] == [{"name": "cv", "papers": 7, "before": 0}]
    assert trends["institutions"] == [{"name": "MIT", "papers": 7, "before": 7}]
    assert "days" in asked.error("trends", days=0)


def test_trends_count_an_institution_once_whatever_papers_print(tmp_path: Path):
    printed = (["ETH Zürich"], ["ETH ZURICH", "ETH Zürich"])
    listed = [paper(f"2603.1000{n}", institutions=names) for n, names in enumerate(printed)]
    trends = Asked(tmp_path, (MONDAY, listed), url=None).answer("trends", days=7)
    (counted,) = trends["institutions"]
    assert (counted["papers"], counted["name"].casefold()) == (2, "eth zürich")


def test_without_any_day_an_error_says_what_to_do(tmp_path: Path):
    empty = Asked(tmp_path, url=None)
    assert empty.found("cloth") == []
    for tool, arguments in (("trends", {}), ("day", {"date": "2026-03-02"})):
        assert "No day was built yet: run `papers build" in empty.error(tool, **arguments)


def test_asking_writes_nothing(asked: Asked):
    before = {path: path.stat().st_mtime_ns for path in asked.folder.rglob("*")}
    asked.found("cloth")
    asked.answer("day", date="2026-03-02")
    asked.answer("paper", arxiv_id=WIND)
    asked.answer("trends")
    assert {path: path.stat().st_mtime_ns for path in asked.folder.rglob("*")} == before


def test_a_text_that_is_missing_is_the_abstract(tmp_path: Path):
    pending = {"en": IssueText(state="pending", reason="no_provider")}
    asked = Asked(tmp_path, (MONDAY, [cloth(summaries=pending)]), url=None)
    (found,) = asked.answer("day", date="2026-03-02")["papers"]
    assert (found["headline"], found["text"]) == (None, "We fold cloth without a camera.")


def test_no_other_command_imports_the_sdk():
    code = "import sys; from papers_pipeline.cli import main; print(sorted(sys.modules))"
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert "'mcp'" not in printed.stdout


@pytest.mark.slow
def test_the_command_speaks_over_standard_input_and_output(tmp_path: Path):
    lake_of(tmp_path / "data", (MONDAY, [cloth()]))

    async def ask() -> CallToolResult:
        started = StdioServerParameters(
            command=sys.executable,
            args=["-c", "from papers_pipeline.cli.main import main; main(['mcp'])"],
            env={"PAPERS_DATA_DIR": str(tmp_path / "data"), "DAGSTER_HOME": str(tmp_path / "home")},
        )
        async with Client(started) as client:
            return await client.call_tool("search_papers", {"query": "ткань", "language": "ru"})

    result = anyio.run(ask)
    assert json.loads(result.content[0].text)["papers"][0]["arxiv_id"] == CLOTH
