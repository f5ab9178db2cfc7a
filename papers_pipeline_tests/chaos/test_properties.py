"""Whatever others send, and whatever is stored: a clear answer, a clear error, or one paper less.

`make chaos` runs 20,000 cases from a new seed; `make test` runs the same few hundred each time.
"""

import json
import os
import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from upath import UPath

from papers_pipeline.base.characters import encodable
from papers_pipeline.base.clock import FixedClock
from papers_pipeline.base.errors import OperatorError
from papers_pipeline.coordination.files import FileCoordination
from papers_pipeline.documents.figures import read_figures
from papers_pipeline.enrichment.stage import AnyStage
from papers_pipeline.enrichment.stages import load_stages
from papers_pipeline.enrichment.stages.affiliations import TitlePage
from papers_pipeline.enrichment.stages.notes import PaperText
from papers_pipeline.listing.feed import FeedError, listing, votes
from papers_pipeline.llm.chain import Answer
from papers_pipeline.llm.conversation import Provenance
from papers_pipeline.llm.verdict import of_severity
from papers_pipeline.prompts.prompt import load_prompts
from papers_pipeline.records import (
    FeedResponse,
    Paper,
    PaperVotes,
    ParsedPaper,
    ReadingTask,
    Section,
)
from papers_pipeline.sandbox.answers import Question, answer
from papers_pipeline.sandbox.providers import schema_fields
from papers_pipeline.settings import SettingsError, load_settings, setting_names
from papers_pipeline.store import sealed
from papers_pipeline.store.damage import NewerFormat
from papers_pipeline.store.lake import encode
from papers_pipeline.store.ledger import FileLedger
from papers_pipeline.store.purchases import Purchase, Purchases
from papers_pipeline.wiring import documents_of, models_of
from papers_pipeline_tests.helpers.buying import PAPER
from papers_pipeline_tests.helpers.outside import LONG_AGO, entry

CASES = int(os.environ.get("PAPERS_CHAOS_CASES", "0"))
PROPERTIES = 6
usual = settings(
    max_examples=CASES // PROPERTIES if CASES else 60,
    derandomize=not CASES,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
DAY = date(2026, 3, 2)
URL = "https://arxiv.org/html/2603.10001v1"
STEERING = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Control characters and marks of direction, as `base/characters.py` lists them."""

odd = st.sampled_from(
    ["\x1b[2J", "\u202e", "\u2066", "\x85", "\u200f", "\u061c", "\ud800", "\x00", "\n", "\\u0000"]
)
texts = st.one_of(st.text(max_size=30), odd, st.builds(lambda a, b: f"{a}{b}x", odd, st.text()))
numbers = st.one_of(
    st.integers(), st.sampled_from([10**30, -1, 2**31, 2**63]), st.floats(), st.booleans()
)
leaves = st.one_of(st.none(), numbers, texts, st.sampled_from(["2026-03-02T00:00:00Z", "1e9999"]))
values = st.recursive(
    leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=6,
)
KEYS = (
    *("id", "title", "summary", "authors", "publishedAt", "upvotes", "submittedOnDailyAt"),
    *("withdrawnAt", "organization", "githubRepo", "githubStars", "projectPage", "mediaUrls"),
    *("ai_summary", "ai_keywords"),
)


def outcome(call: Callable[[], Any], refusal: type[Exception]) -> tuple[Any, str]:
    """What a call returns, or else what it says when it refuses."""
    try:
        return call(), ""
    except refusal as error:
        return None, str(error)


def strings(value: Any) -> Iterator[str]:
    """Every string in a value of JSON, without the names of fields."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from strings(inner)


@st.composite
def bodies(draw: st.DrawFn) -> str:
    """The body of a list: any JSON, any text, or entries of which some values are odd."""
    kind = draw(st.sampled_from(["entries", "entries", "entries", "json", "text", "deep"]))
    if kind == "json":
        return json.dumps(draw(values))
    if kind == "text":
        return draw(st.text())
    if kind == "deep":
        return draw(st.sampled_from(["[", '{"a":', '[{"paper":'])) * draw(
            st.sampled_from([3, 900, 100_000])
        )
    entries = []
    for number in range(draw(st.integers(1, 3))):
        made = entry(f"2603.{10001 + number}")
        odd_keys = draw(st.dictionaries(st.sampled_from(KEYS), values, max_size=2))
        made["paper"] |= odd_keys
        made |= draw(st.dictionaries(st.sampled_from(["thumbnail", "numComments"]), values))
        entries.append(made)
    return json.dumps([entry("2603.10009"), *entries])


@usual
@given(bodies())
def test_a_list_is_read_or_refused_in_a_sentence(body: str):
    responses = [FeedResponse(fetched_at=LONG_AGO, page=0, body=body)]
    read, refusal = outcome(lambda: listing(responses, DAY), FeedError)
    assert not STEERING.search(refusal)
    if read is None:
        assert str(DAY) in refusal
        return
    rows, _ = read
    assert len(encode(rows, Paper)) > 0
    assert len(encode(votes(responses, DAY), PaperVotes)) > 0
    for text in strings([row.model_dump(mode="json") for row in rows]):
        assert not STEERING.search(text)


pieces = st.one_of(
    st.sampled_from(
        [
            *('<figure class="ltx_figure">', "</figure>", '<figure class="ltx_table">'),
            *('<img src="x1.png" class="ltx_graphics" width="99">', "<table>", "</table>"),
            *(
                '<img src="http://[">',
                '<img src="data:x">',
                '<base href="//[::">',
                "<base href='%'>",
            ),
            *('<figcaption class="ltx_caption">', "</figcaption>", "<math alttext='x^2'>", "<!--"),
            *(
                '<span class="ltx_tag ltx_tag_figure">Figure 1: </span>',
                "<svg>",
                "</",
                "&#0;",
                "&#x202e;",
            ),
            *(
                '<img src="2603.10001v1/x2.png">',
                "<section class='ltx_section'><h2>",
                "<?xml",
                "]]>",
            ),
        ]
    ),
    texts,
)


@usual
@given(
    st.one_of(
        st.binary(),
        st.lists(pieces, max_size=25).map(
            lambda parts: "".join(parts).encode("utf-8", "surrogatepass")
        ),
    )
)
@example(b"<figure>" * 50_000)
def test_the_figures_of_any_page_are_links_with_plain_captions(html: bytes):
    figures = read_figures(html, URL)
    for found in figures:
        assert found.url.startswith("https://")
        for text in strings(found.model_dump(mode="json")):
            assert not STEERING.search(text)


STAGES = load_stages(load_prompts(notes_top=1))
PARSED = ParsedPaper(
    arxiv_id=PAPER.arxiv_id,
    state="done",
    parser_version="1",
    header="Kettle 1\nAda Example\nUniversity of Examples, ETH Zürich",
    sections=[Section(title="1 Introduction", text="Kettles whistle late. We hear them.")],
)
READING = ReadingTask(
    arxiv_id=PAPER.arxiv_id,
    state="done",
    prompt_version="1",
    input_hash="2",
    sentences=[{"text": "我们今天学习。", "words": [{"text": "学习", "pinyin": "xuéxí"}]}],
    vocabulary=[{"word": "学习", "pinyin": "xuéxí", "level": 1}],
)


def item_of(stage: AnyStage) -> Any:
    if "parsed_text" in stage.inputs and stage.prompt_kind == "affiliations":
        return TitlePage(PAPER, PARSED)
    if "parsed_text" in stage.inputs:
        return PaperText(PAPER, PARSED)
    return READING if "reading_task" in stage.inputs else PAPER


def with_odd_text(draw: st.DrawFn, value: Any) -> Any:
    """The value, in some of whose strings odd characters are inserted.

    Lone surrogates are not among them: a reply has lost them before anyone judges it.
    """
    if isinstance(value, str):
        if not draw(st.booleans()):
            return value
        place = draw(st.integers(0, len(value)))
        return value[:place] + encodable(draw(texts)) + value[place:]
    if isinstance(value, dict):
        return {name: with_odd_text(draw, inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [with_odd_text(draw, inner) for inner in value]
    return value


@usual
@given(st.sampled_from(sorted(STAGES)), st.data())
def test_an_answer_that_passes_has_nothing_that_steers(asset: str, data: st.DataObject):
    stage = STAGES[asset]
    item = item_of(stage)
    variables = stage.prompt_variables(item)[0]
    sent = stage.prompt.messages(**variables)
    fields = schema_fields(stage.output.model_json_schema())
    made = answer(Question(sent.system, sent.user, fields))
    odd_answer = with_odd_text(data.draw, made)
    output, refusal = outcome(lambda: stage.output.model_validate(odd_answer), ValueError)
    if refusal:
        return
    output, _ = stage.repair(output)
    verdict = stage.judge(output, variables)
    for fault in verdict.faults:
        assert fault.message
    if of_severity(verdict.faults, "fatal"):
        return
    answered = Answer(output, "openai", "a-model", LONG_AGO, False, verdict.faults)
    row = stage.answer_row(item, answered)
    assert len(encode([row], stage.record)) > 0
    for text in strings(row.model_dump(mode="json")):
        assert not STEERING.search(text), f"{asset}: {text!r}"


ENTRY = Purchase(
    asset="summaries_en",
    identity={"prompt_version": "1", "input_hash": "2"},
    created_at=LONG_AGO,
    value={"title": "Kettles whistle", "text": "They whistle."},
    provenance=Provenance(
        provider="openai",
        model="a-model",
        models=("openai:a-model",),
        arxiv_id="2603.10001",
        prompt="summary.en",
        prompt_version="1",
        input_tokens=1,
        output_tokens=1,
        usd=0.1,
        attempts=(),
    ).as_json(),
)
WHOLE = json.loads(ENTRY.model_dump_json()) | {"format": 1}
"""As an earlier release wrote it, without a checksum: a changed value can pass."""


@st.composite
def stored(draw: st.DrawFn) -> bytes:
    """The bytes of a purchase: any, cut, with other bytes in it, or with other values."""
    data = sealed.encode(ENTRY)
    kind = draw(st.sampled_from(["any", "cut", "other bytes", "other values", "other values"]))
    if kind == "any":
        return draw(st.binary())
    place = draw(st.integers(0, len(data)))
    if kind == "cut":
        return data[:place]
    if kind == "other bytes":
        return data[:place] + draw(st.binary(min_size=1, max_size=3)) + data[place + 2 :]
    changed = dict(WHOLE)
    where = draw(st.sampled_from(sorted(WHOLE)))
    changed[where] = draw(values)
    if where == "provenance":
        changed[where] = WHOLE[where] | {draw(st.sampled_from(sorted(WHOLE[where]))): draw(values)}
    return json.dumps(changed).encode()


@usual
@given(stored())
def test_a_purchase_is_read_set_aside_or_of_a_newer_release(data: bytes):
    with TemporaryDirectory() as folder:
        locks = FileCoordination(Path(folder) / "home", Path(folder) / "ledger")
        purchases = Purchases(UPath(folder) / "purchases", locks, FixedClock(LONG_AGO))
        path = Path(purchases.path(ENTRY.asset, ENTRY.identity).path)
        path.parent.mkdir(parents=True)
        path.write_bytes(data)
        found, refusal = outcome(lambda: purchases.get(ENTRY.asset, ENTRY.identity), NewerFormat)
        if refusal:
            assert "newer release" in refusal
        elif found is None:  # damaged, or expired
            aside = path.with_name(f"{path.name}.damaged")
            assert aside.exists() != path.exists()
        else:
            assert (found.asset, found.identity) == (ENTRY.asset, ENTRY.identity)


@usual
@given(
    st.lists(st.one_of(st.binary(), st.builds(lambda value: json.dumps(value).encode(), values)))
)
def test_any_line_of_the_ledger_is_a_call_or_is_left_out(lines: list[bytes]):
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"{DAY}.jsonl"
        path.write_bytes(b"\n".join(lines))
        ledger = FileLedger(Path(folder))
        assert list(ledger.spent(DAY)) == []
        assert ledger.total_usd(DAY) == 0


VALUES = st.one_of(
    st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=20),
    st.sampled_from(
        ["nan", "inf", "-1", "1e400", "0", "10**9", "x://y", "://", "s3://", "file://"]
    ),
    st.sampled_from(["http://[", "openai=0", "openai=5/x", ",", "2026-13-01", "en,en", "http://"]),
)


@usual
@given(st.dictionaries(st.sampled_from(setting_names()), VALUES, min_size=1, max_size=2))
def test_a_setting_is_valid_or_refused_by_name(chosen: dict[str, str]):
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as folder:
        patch.chdir(folder)
        for name, value in chosen.items():
            patch.setenv(name, value)
        made, refusal = outcome(load_settings, SettingsError)
        if made is None:
            assert any(name in refusal for name in chosen)
            return
        assert made.alarm is not None
        assert made.home.is_absolute()
        outcome(lambda: models_of(made, FixedClock(LONG_AGO)), OperatorError)

        def opened() -> None:
            with documents_of(made, FixedClock(LONG_AGO)):
                pass

        outcome(opened, OperatorError)
