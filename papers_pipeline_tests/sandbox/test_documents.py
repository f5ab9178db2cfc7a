"""The sandbox's arXiv: PDFs like preprints, HTML like LaTeXML's, and a server like arXiv's."""

import hashlib
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pymupdf
import pytest
import requests
import yaml

from papers_pipeline.documents.figures import read_figures
from papers_pipeline.sandbox.documents import GARBAGE, WITHOUT_HTML, Documents
from papers_pipeline.sandbox.server import running
from papers_pipeline.sandbox.typeset import MUPDF
from papers_pipeline.sandbox.world import SAMPLE, Fault, Latency, World
from papers_pipeline_tests.conftest import LONG_AGO, Outside, entry

TWO_COLUMNS, ONE_COLUMN, MANY_AUTHORS, TEAM = "2602.90011", "2602.90027", "2602.90031", "2602.90040"
BROKEN, WITHDRAWN, BARE = "2602.90216", "2602.90118", "2602.90208"
IDS = sorted(path.stem for path in (SAMPLE / "papers").glob("*.yaml"))
WHOLE = [arxiv_id for arxiv_id in IDS if arxiv_id not in (BROKEN, WITHDRAWN)]


@pytest.fixture(scope="module")
def sample() -> Iterator[Outside]:
    world = World(now=LONG_AGO)
    with running(world) as url:
        yield Outside(world, url)


def get(outside: Outside, path: str, **headers: str) -> requests.Response:
    return requests.get(
        outside.url + path,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        timeout=30,
    )


def source(arxiv_id: str) -> dict:
    return yaml.safe_load((SAMPLE / "papers" / f"{arxiv_id}.yaml").read_text(encoding="utf-8"))


def page_lines(document: pymupdf.Document, page: int) -> list[dict]:
    """The lines of a page as pymupdf gives them."""
    lines = []
    for block in document[page].get_text("dict")["blocks"]:
        lines += block.get("lines", [])
    return lines


def line_text(line: dict) -> str:
    return "".join(span["text"] for span in line["spans"])


def placed_lines(body: bytes, page: int = 0) -> list[tuple[float, float, str]]:
    """The lines of a page: their left and top edges, and their text."""
    with MUPDF, pymupdf.open("pdf", body) as document:
        lines = page_lines(document, page)
    return [(*line["bbox"][:2], line_text(line)) for line in lines]


def text(body: bytes) -> str:
    with MUPDF, pymupdf.open("pdf", body) as document:
        return "\n".join(page.get_text() for page in document)


def letters(words: str) -> str:
    """The text without white space and hyphens, which depend on the line breaks."""
    return re.sub(r"[\s-]", "", words)


def test_a_paper_has_the_same_bytes_in_every_process(sample: Outside):
    code = f"""
import hashlib
from papers_pipeline.sandbox.documents import *
pdf = Documents(SAMPLE).pdf("{MANY_AUTHORS}", datetime.now().astimezone())
print(hashlib.sha256(pdf).hexdigest())
"""
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    served = get(sample, f"/pdf/{MANY_AUTHORS}").content
    assert hashlib.sha256(served).hexdigest() == process.stdout.strip()


@pytest.mark.parametrize("arxiv_id", WHOLE)
def test_the_text_of_a_pdf_has_every_part_of_the_paper(sample: Outside, arxiv_id: str):
    written = source(arxiv_id)
    got = letters(text(get(sample, f"/pdf/{arxiv_id}").content))
    wanted = [written["title"]]
    wanted += [author["name"] for author in written["authors"]]
    wanted += [institution["mark"] + institution["name"] for institution in written["institutions"]]
    for number, section in enumerate(written["sections"], 1):
        wanted.append(f"{number}{section['title']}")
        wanted += [paragraph[:40] for paragraph in section["text"].split("\n\n")]
    for number, figure in enumerate(written["figures"], 1):
        wanted.append(f"Figure{number}:{figure['caption']}")
    missing = [part for part in wanted if letters(part) not in got]
    assert missing == []
    assert ("Abstract" in got) == (arxiv_id != BARE)
    assert "References" in got


def test_only_the_first_page_has_arxivs_stamp_in_its_margin(sample: Outside):
    body = get(sample, f"/pdf/{TWO_COLUMNS}").content
    with MUPDF, pymupdf.open("pdf", body) as document:
        first, *others = [page_lines(document, page) for page in range(len(document))]
    (stamp,) = [line for line in first if line["dir"] == (0.0, -1.0)]
    for lines in others:
        assert {line["dir"] for line in lines} == {(1.0, 0.0)}
    assert line_text(stamp) == "arXiv:2602.90011v1 [cs.LG] 26 Feb 2026"
    assert stamp["bbox"][2] < 54


def test_a_paper_in_two_columns_has_institutions_at_the_foot_of_page_one(sample: Outside):
    lines = placed_lines(get(sample, f"/pdf/{TWO_COLUMNS}").content)
    notes = [line for line in lines if re.match(r"[123].*(ETH|IBM|École)", line[2])]
    assert len(notes) == 3
    assert all(top > 660 and left < 100 for left, top, _ in notes)
    assert {round(left) for left, top, _ in lines if 200 < top < 640} >= {54, 318}


def test_a_paper_in_one_column_has_institutions_under_the_byline(sample: Outside):
    tops = {}
    for _, top, line in placed_lines(get(sample, f"/pdf/{ONE_COLUMN}").content):
        tops[line] = top
    notes = [line for line in tops if re.match(r"[123](School|Institute|Department)", line)]
    assert len(notes) == 3
    for note in notes:
        assert tops[note] < tops["Abstract"]


def test_a_team_is_alone_in_the_byline(sample: Outside):
    lines = [line for _, _, line in placed_lines(get(sample, f"/pdf/{TEAM}").content)]
    assert lines[lines.index("The Lumen Team") + 1] == "Abstract"


def test_lines_are_hyphenated_and_pages_numbered(sample: Outside):
    body = get(sample, f"/pdf/{TWO_COLUMNS}").content
    assert re.search(r"[a-z]-\n[a-z]", text(body))
    second = [line for _, _, line in placed_lines(body, 1)]
    assert "TideServe" in second
    assert "2" in second


def test_a_formula_in_the_abstract_is_typeset(sample: Outside):
    assert "O(nlogn)" in letters(text(get(sample, f"/pdf/{TWO_COLUMNS}").content))


def test_the_text_of_a_pdf_has_chinese_affiliations(outside: Outside):
    paper = source(TWO_COLUMNS) | {
        "institutions": [{"mark": "1", "name": "清华大学计算机系 (Tsinghua), 北京"}]
    }
    path = outside.world.folder / "papers" / "2603.10001.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(yaml.safe_dump(paper, allow_unicode=True), encoding="utf-8")
    assert "清华大学计算机系(Tsinghua),北京" in letters(
        text(get(outside, "/pdf/2603.10001").content)
    )


def test_a_broken_paper_has_an_unreadable_pdf_and_no_html(sample: Outside):
    answer = get(sample, f"/pdf/{BROKEN}")
    assert (answer.status_code, answer.content) == (200, GARBAGE)
    assert get(sample, f"/html/{BROKEN}").status_code == 404


def test_a_paper_is_gone_from_the_time_of_its_withdrawal(sample: Outside):
    answer = get(sample, f"/pdf/{WITHDRAWN}")
    assert answer.status_code == 404
    assert "has been withdrawn" in answer.text
    assert get(sample, f"/html/{WITHDRAWN}").status_code == 404
    before = Documents(SAMPLE).pdf(WITHDRAWN, datetime(2026, 3, 3, 12, tzinfo=UTC))
    assert before.startswith(b"%PDF-")


@pytest.mark.parametrize(
    "path",
    ["/pdf/2602.99999", "/pdf/2602.90011v2", "/pdf/nonsense", "/html/2602.99999", "/pdf/../x"],
)
def test_a_missing_document_is_404(sample: Outside, path: str):
    answer = get(sample, path)
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "arxiv_id", [arxiv_id for arxiv_id in WHOLE if arxiv_id not in WITHOUT_HTML]
)
def test_the_html_has_the_papers_figures_and_their_pictures(sample: Outside, arxiv_id: str):
    answer = get(sample, f"/html/{arxiv_id}")
    written = source(arxiv_id)
    found = read_figures(answer.content, answer.url)
    wanted = {(figure["caption"], figure["section"]) for figure in written["figures"]}
    assert {(figure.caption, figure.section) for figure in found} == wanted
    assert len(found) == len(written["figures"])
    for figure in found:
        assert figure.url.startswith(f"{sample.url}/html/{arxiv_id}v1/x")
        assert requests.get(figure.url, timeout=30).content.startswith(b"\x89PNG")


def test_some_papers_have_no_html(sample: Outside):
    assert {get(sample, f"/html/{arxiv_id}").status_code for arxiv_id in WITHOUT_HTML} == {404}
    assert get(sample, f"/html/{TWO_COLUMNS}v1/x99.png").status_code == 404


def test_requests_are_counted(outside: Outside):
    for path in (
        "/pdf/2603.10001",
        "/pdf/2603.10001v1",
        "/html/2603.10001",
        "/html/2603.10001v1/x1.png",
    ):
        get(outside, path)
    assert dict(outside.world.asked) == {
        "pdf 2603.10001": 2,
        "html 2603.10001": 1,
        "figure 2603.10001": 1,
    }


def test_a_fault_can_cut_a_connection_off(sample: Outside):
    sample.world.faults.append(Fault(f"/pdf/{ONE_COLUMN}", cut_after=5000))
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        get(sample, f"/pdf/{ONE_COLUMN}")
    assert get(sample, f"/pdf/{ONE_COLUMN}").status_code == 200


def test_a_folders_pdfs_are_served_and_can_stand_in_for_missing_ones(outside: Outside):
    folder = outside.world.folder / "pdf"
    folder.mkdir(parents=True)
    for number in (1, 2, 3):
        (folder / f"2603.1000{number}.pdf").write_bytes(b"%%PDF-1.7 %d" % number)
    asked = [f"/pdf/2603.{number}" for number in range(20001, 20020)]
    assert get(outside, "/pdf/2603.10002").content == b"%PDF-1.7 2"
    assert {get(outside, path).status_code for path in asked} == {404}
    outside.world.substitute_pdfs = True
    given = [get(outside, path).content for path in asked]
    assert given == [get(outside, path).content for path in asked]
    assert len(set(given)) == 3
    assert get(outside, "/pdf/2603.10002").content == b"%PDF-1.7 2"


def test_sample_pdfs_stand_in_for_missing_but_not_for_withdrawn_papers(
    outside: Outside,
):
    outside.world.substitute_pdfs = True
    outside.list(
        "2026-03-02",
        [entry("2603.10001"), entry("2603.10002", withdrawnAt="2026-03-03T10:00:00.000Z")],
    )
    assert get(outside, "/pdf/2603.10001").content.startswith(b"%PDF-")
    assert get(outside, "/pdf/2603.10002").status_code == 404


def test_html_of_the_folder_is_served(outside: Outside):
    file = outside.world.folder / "html" / "2603.10001.html"
    file.parent.mkdir(parents=True)
    file.write_text("<article>Kettles</article>", encoding="utf-8")
    assert get(outside, "/html/2603.10001").text == "<article>Kettles</article>"
    assert get(outside, "/html/2603.10002").status_code == 404


def test_each_kind_of_answer_has_its_own_latency(outside: Outside):
    outside.list("2026-03-02", [entry("2603.10001")])
    outside.world.latency = Latency(arxiv_seconds=0.3, model_seconds=3600)
    assert get(outside, "/api/daily_papers?date=2026-03-02").status_code == 200
    assert get(outside, "/html/2603.10001").elapsed.total_seconds() >= 0.3


def test_the_command_line_can_substitute_pdfs(tmp_path: Path):
    said = subprocess.run(
        [sys.executable, "-m", "papers_pipeline.sandbox", "--help"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "--substitute-pdfs" in said
