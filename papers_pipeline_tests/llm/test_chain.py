"""A chain of models gives a good answer or a reason, over HTTP and the SDK of each protocol."""

import asyncio
import json
import multiprocessing
import shutil
import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from papers_pipeline.base import loop, model_providers
from papers_pipeline.base.loaded_once import loaded_once
from papers_pipeline.base.per_paper import NullProgress, PaperFailed
from papers_pipeline.enrichment.enrich import ask_again, enrich
from papers_pipeline.enrichment.stages import load_stages
from papers_pipeline.llm import turns
from papers_pipeline.llm.models import Models
from papers_pipeline.llm.prices import CallTokens, price
from papers_pipeline.llm.providers import Access
from papers_pipeline.llm.spent import Spent
from papers_pipeline.records import Paper
from papers_pipeline.sandbox.answers import Question, answer
from papers_pipeline.sandbox.world import Fault, Reply, World
from papers_pipeline.store.ledger import Spending
from papers_pipeline_tests.conftest import LONG_AGO, Notes, Outside
from papers_pipeline_tests.helpers.buying import (
    ABSTRACT,
    PAPER,
    PAPERS,
    PROVIDERS,
    STAGES,
    Bought,
    Desk,
    asked,
)
from papers_pipeline_tests.helpers.outside import PROMPTS
from papers_pipeline_tests.helpers.terminal import wait_until

RUSSIAN = {
    "title": "Чайник предупреждает заранее",
    "text": "Чайники свистят слишком поздно. Авторы предсказывают кипение по звуку. "
    "Для этого обучена регрессия. Ей хватает первой минуты записи.",
    "emoji": "🫖",
}


@pytest.fixture
def desk(outside: Outside, tmp_path: Path) -> Desk:
    return Desk(outside, tmp_path / "state")


def reply(desk: Desk, *replies: Reply) -> None:
    desk.outside.world.replies += replies


# A good answer


@pytest.mark.parametrize("asset", STAGES)
def test_the_first_model_of_the_chain_writes_the_row(desk: Desk, outside: Outside, asset: str):
    bought = desk.buy(asset)
    provider, model = STAGES[asset].prompt.models[0].split(":")
    assert (bought.row.state, bought.row.source, bought.row.provider, bought.row.model) == (
        *("done", "model", provider, model),
    )
    assert (bought.row.prompt_version, bought.row.created_at) == (
        STAGES[asset].prompt.version,
        LONG_AGO,
    )
    assert asked(outside) == [(provider, "ok")]


@pytest.mark.parametrize("asset", STAGES)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_each_provider_alone_writes_everything(
    desk: Desk, outside: Outside, provider: str, asset: str
):
    desk.made(provider)
    assert desk.buy(asset).row.provider == provider
    assert asked(outside) == [(provider, "ok")]


def test_messages_replies_and_verdicts_are_kept_with_the_answer(desk: Desk):
    reply(
        desk,
        Reply(
            language="ru",
            content=RUSSIAN | {"text": RUSSIAN["text"].replace("поздно", "drastically late")},
        ),
    )
    reply(desk, Reply(language="ru", content=RUSSIAN | {"title": "Чайник expert"}))
    bought = desk.buy("summaries_ru")
    assert (bought.row.title, bought.row.text) == ("Чайник expert", RUSSIAN["text"])
    (attempt,) = desk.attempts()
    asked_ = STAGES["summaries_ru"].prompt.messages(title=PAPER.title, abstract=PAPER.abstract)
    assert [message["role"] for message in attempt["messages"]] == [
        "system",
        "user",
        "reply",
        "correction",
        "reply",
    ]
    assert [message["text"] for message in attempt["messages"][:2]] == [asked_.system, asked_.user]
    assert json.loads(attempt["messages"][2]["text"])["title"] == RUSSIAN["title"]
    assert '"drastically", "late"' in attempt["messages"][3]["text"]
    first, second = attempt["verdicts"]
    assert '"drastically", "late"' in first["faults"][0]["message"]
    assert second == {
        "faults": [
            {
                "rule": "stranger_words",
                "message": 'The Russian contains English words in lower case: "expert". '
                "Translate them.",
                "severity": "style",
                "quoted": "",
            }
        ],
        "warnings": [],
    }


def test_every_call_is_in_the_ledger_with_its_price(desk: Desk):
    reply(desk, Reply(kind="malformed", times=1))
    bought = desk.buy("summaries_ru", day="2026-03-02")
    first, second = desk.spendings()
    assert (first.asset, first.arxiv_id, first.day) == (
        "summaries_ru",
        PAPER.arxiv_id,
        "2026-03-02",
    )
    assert (first.provider, first.model) == ("anthropic", "claude-sonnet-5-5")
    assert first.prompt_version == STAGES["summaries_ru"].prompt.version
    assert first.usd == pytest.approx((2 * first.input_tokens + 10 * first.output_tokens) / 1e6)
    assert bought.spent.calls == 2
    assert bought.spent.input_tokens == first.input_tokens + second.input_tokens > 0
    assert bought.spent.usd == pytest.approx(first.usd + second.usd)


def test_a_price_that_is_not_known_is_unknown_and_not_zero(desk: Desk):
    prompt = STAGES["summaries_en"].prompt.model_copy(
        update={"models": ("openai:a-model-of-ours",)}
    )
    stage = load_stages(PROMPTS.model_copy(update={"summaries": (prompt,)}))["summaries_en"]
    _, _, spent = loop.run(
        enrich(stage, [PAPER], models=desk.models, concurrency=1, progress=NullProgress())
    )
    assert (spent.calls, spent.unpriced_calls, spent.usd) == (1, 1, 0.0)
    assert desk.spendings()[0].usd is None
    assert desk.attempts()[0]["usd"] is None


@pytest.mark.parametrize("provider", ["openai", "google", "deepseek", "local"])
def test_the_tokens_of_an_answer_without_usage_are_estimated_and_marked(desk: Desk, provider: str):
    desk.made(provider)
    desk.models.assumed_price = 2.0
    reply(desk, Reply(reports_usage=False))
    bought = desk.buy(papers=PAPERS[:2])
    estimated, counted = sorted(desk.spendings(), key=lambda spending: spending.state)
    assert (estimated.state, counted.state) == ("estimated", "settled")
    # We take a token for three characters, the sandbox one for four.
    assert estimated.input_tokens == pytest.approx(counted.input_tokens * 4 / 3, abs=2)
    assert estimated.output_tokens == pytest.approx(counted.output_tokens * 4 / 3, abs=10)
    tokens = CallTokens(estimated.input_tokens, estimated.output_tokens)
    assert estimated.usd == price(f"{estimated.provider}:{estimated.model}", tokens, 2.0) > 0
    assert bought.spent.usd == pytest.approx(estimated.usd + counted.usd)


def test_a_budget_stops_a_server_that_counts_no_tokens(desk: Desk, outside: Outside):
    desk.made("local", concurrency=1)
    desk.models.assumed_price = 20.0
    desk.models.daily_budget_usd = 0.08
    reply(desk, Reply(reports_usage=False, times=99))
    bought = desk.buy(papers=PAPERS)
    assert bought.counts.computed == len(asked(outside)) < len(PAPERS)
    assert {row.reason for row in bought.rows if row.state == "pending"} == {"budget"}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_request_is_in_the_ledger_before_it_is_sent(desk: Desk, outside: Outside, provider: str):
    seen: list[Spending] = []
    reply_as_usual = outside.world.reply

    def look(call: Any) -> Any:
        seen.extend(desk.spendings())
        return reply_as_usual(call)

    outside.world.reply = look  # type: ignore[method-assign]
    desk.made(provider)
    assert desk.buy(day="2026-03-02").row.state == "done"
    (sent,), (settled,) = seen, desk.spendings()
    assert (sent.state, settled.state) == ("unsettled", "settled")
    assert (sent.asset, sent.arxiv_id, sent.day, sent.call) == (
        *("summaries_en", PAPER.arxiv_id, "2026-03-02"),
        settled.call,
    )
    assert sent.output_tokens == STAGES["summaries_en"].prompt.max_tokens
    assert sent.usd > settled.usd > 0


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    "fault", [{"seconds": 1.5}, {"cut_after": 20}, {"body": "Bad gateway"}], ids=str
)
def test_a_request_that_may_have_been_paid_for_stays_in_the_ledger(
    desk: Desk, outside: Outside, provider: str, fault: dict[str, Any]
):
    desk.made(provider, timeout_seconds=0.5)
    outside.world.faults.append(Fault(f"/{provider}/", times=9, **fault))
    assert desk.buy().row.state == "failed"
    spendings = desk.spendings()
    assert {spending.state for spending in spendings} <= {"unsettled", "estimated"}
    # A busy server reads a request only after its sender has given up.
    wait_until(lambda: len(asked(outside)) >= len(spendings))
    assert len(spendings) == len(asked(outside))
    assert all(spending.usd > 0 for spending in spendings)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
def test_a_request_that_was_turned_away_costs_nothing(
    desk: Desk, outside: Outside, provider: str, status: int
):
    desk.made(provider)
    headers = {"Retry-After": "3600"}
    outside.world.faults.append(Fault(f"/{provider}/", status, headers=headers, times=9))
    assert desk.buy().row.state == "failed"
    assert len(asked(outside)) > 0
    assert desk.spendings() == []
    assert desk.models.ledger.total_usd(LONG_AGO.date()) == 0


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_request_that_was_never_sent_costs_nothing(desk: Desk, provider: str):
    desk.made(provider)
    desk.models.access = {**desk.models.access, provider: Access("key", "http://127.0.0.1:9")}
    assert desk.buy().row.state == "failed"
    assert desk.spendings() == []


def test_a_run_that_is_cancelled_leaves_its_request_in_the_ledger(desk: Desk, outside: Outside):
    outside.world.latency_seconds = 30

    async def cancelled() -> None:
        buying = asyncio.ensure_future(
            enrich(
                STAGES["summaries_en"],
                [PAPER],
                models=desk.models,
                concurrency=1,
                progress=NullProgress(),
            )
        )
        while not asked(outside):
            await asyncio.sleep(0.01)
        buying.cancel()
        await asyncio.wait([buying])

    loop.run(cancelled())
    (spending,) = desk.spendings()
    assert (spending.state, spending.arxiv_id) == ("unsettled", PAPER.arxiv_id)


def buy_in_vain(url: str, folder: Path) -> None:
    """What a process does that is killed before its answer comes."""
    Desk(Outside(World(), url), folder).buy()


def test_a_process_that_is_killed_leaves_its_request_in_the_ledger(desk: Desk, outside: Outside):
    outside.world.latency_seconds = 30
    arguments = (outside.url, desk.folder)
    process = multiprocessing.get_context("spawn").Process(target=buy_in_vain, args=arguments)
    process.start()
    while not asked(outside):
        assert process.is_alive()
        time.sleep(0.01)
    process.kill()
    process.join()
    (spending,) = desk.spendings()
    assert (spending.state, spending.arxiv_id) == ("unsettled", PAPER.arxiv_id)
    assert desk.models.ledger.total_usd(LONG_AGO.date()) == spending.usd > 0


def test_an_empty_abstract_is_never_asked_about(desk: Desk, outside: Outside):
    for asset in STAGES:
        bought = desk.buy(asset, [PAPER.model_copy(update={"abstract": ""})])
        assert (bought.row.state, bought.row.reason) == ("pending", "no_abstract")
    assert asked(outside) == []


# What ends an attempt


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("key", ["wrong-key", "forbidden-key", "nocredit-key"])
def test_a_key_that_is_turned_away_closes_its_provider_after_one_call(
    desk: Desk, outside: Outside, provider: str, key: str
):
    desk.made(provider, key=key)
    bought = desk.buy(papers=PAPERS)
    assert {(row.state, row.reason) for row in bought.rows} == {("failed", "unreachable")}
    assert len(asked(outside)) == 1
    assert list(desk.models.closed) == [provider]
    assert desk.buy("topic_tags", PAPERS).counts.failed == len(PAPERS)
    assert len(asked(outside)) == 1
    assert desk.entries() == []


def test_a_closed_provider_leaves_the_work_to_the_next(desk: Desk, outside: Outside):
    desk.models = desk.made()
    desk.models.access = {
        **desk.models.access,
        "openai": Access("nocredit-key", f"{outside.url}/openai/v1"),
    }
    bought = desk.buy(papers=PAPERS)
    assert {row.provider for row in bought.rows} == {"anthropic"}
    assert asked(outside).count(("openai", "429")) == 1
    assert len(asked(outside)) == 1 + len(PAPERS)


def test_a_model_that_does_not_exist_is_asked_for_once(desk: Desk, outside: Outside):
    names = ("openai:unknown-model", "openai:gpt-6-luna")
    prompt = STAGES["summaries_en"].prompt.model_copy(update={"models": names})
    stage = load_stages(PROMPTS.model_copy(update={"summaries": (prompt,)}))["summaries_en"]
    rows, _, _ = loop.run(
        enrich(stage, PAPERS, models=desk.models, concurrency=8, progress=NullProgress())
    )
    assert {row.model for row in rows} == {"gpt-6-luna"}
    assert list(desk.models.closed) == ["openai:unknown-model"]
    assert asked(outside).count(("openai", "404")) == 1


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_rate_limit_is_waited_for(desk: Desk, outside: Outside, provider: str):
    desk.made(provider)
    outside.world.faults.append(Fault(f"/{provider}/", 429, headers={"Retry-After": "1"}))
    assert desk.buy().row.state == "done"
    assert asked(outside) == [(provider, "429"), (provider, "ok")]
    first, second = outside.world.calls
    assert second.at - first.at >= 1


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_rate_limit_of_an_hour_is_not_waited_for(desk: Desk, outside: Outside, provider: str):
    desk.made(provider)
    outside.world.faults.append(
        Fault(f"/{provider}/", 429, headers={"Retry-After": "3600"}, times=9)
    )
    row = desk.buy().row
    assert (row.state, row.reason) == ("failed", "unreachable")
    assert asked(outside) == [(provider, "429")]


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("status", [500, 503])
def test_a_server_error_is_tried_again_and_then_left(
    desk: Desk, outside: Outside, provider: str, status: int
):
    desk.made(provider)
    outside.world.faults.append(Fault(f"/{provider}/", status, times=2))
    assert desk.buy().row.state == "done"
    assert asked(outside) == [(provider, str(status))] * 2 + [(provider, "ok")]
    outside.world.faults.append(Fault(f"/{provider}/", status, times=3))
    row = desk.buy("topic_tags").row
    assert (row.state, row.reason) == ("failed", "unreachable")
    assert str(status) in row.detail
    assert row.source == "keywords"


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("fault", ["timeout", "broken body", "gateway timeout"])
def test_a_request_that_may_have_been_paid_for_is_sent_once_more_and_then_left(
    desk: Desk, outside: Outside, provider: str, fault: str
):
    details: dict[str, dict[str, Any]] = {
        "timeout": {"seconds": 1.5},
        "broken body": {"cut_after": 20},
        "gateway timeout": {"status": 504},
    }
    desk.made(provider, timeout_seconds=0.5)
    outside.world.faults.append(Fault(f"/{provider}/", **details[fault]))
    assert desk.buy().row.state == "done"
    assert len(asked(outside)) == 2
    outside.world.faults.append(Fault(f"/{provider}/", times=9, **details[fault]))
    row = desk.buy("topic_tags").row
    assert (row.state, row.reason) == ("failed", "unreachable")
    assert len(asked(outside)) == 4


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_page_in_place_of_an_answer_is_an_error_and_not_final(
    desk: Desk, outside: Outside, provider: str
):
    desk.made(provider)
    reply(desk, Reply("html"))
    row = desk.buy().row
    assert (row.state, row.reason) == ("failed", "unreachable")
    assert desk.entries() == []
    assert desk.buy().row.state == "done"


JSON = {"Content-Type": "application/json"}
CHAT = {"id": "chat", "object": "chat.completion", "created": 1, "model": "gpt-6-luna"}
UNREADABLE = {
    "no choices": json.dumps(CHAT),
    "choices null": json.dumps(CHAT | {"choices": None}),
    "choices empty": json.dumps(CHAT | {"choices": []}),
    "choices of words": json.dumps(CHAT | {"choices": ["yes"]}),
    "an error with status 200": json.dumps({"error": {"message": "overloaded", "code": 503}}),
    "null": "null",
    "a list": "[]",
    "half a body": json.dumps(CHAT)[:-9],
    "no JSON": "upstream connect error",
}


@pytest.mark.parametrize("body", UNREADABLE)
def test_an_answer_that_cannot_be_read_leaves_the_question_to_the_next_model(
    desk: Desk, outside: Outside, body: str
):
    outside.world.faults.append(Fault("/openai/", body=UNREADABLE[body], headers=JSON))
    row = desk.buy().row
    assert (row.state, row.provider) == ("done", "anthropic")
    first, second = desk.attempts()
    assert (first["model"], first["result"], second["result"]) == (
        *(STAGES["summaries_en"].prompt.models[0], "error"),
        "answered",
    )
    assert first["detail"]


def test_an_error_inside_the_sdk_is_named(desk: Desk, outside: Outside):
    desk.made("openai")
    body = UNREADABLE["choices empty"]
    outside.world.faults.append(Fault("/openai/", body=body, headers=JSON))
    row = desk.buy().row
    assert (row.state, row.reason) == ("failed", "unreachable")
    assert "no readable answer (IndexError: list index out of range)" in row.detail
    assert desk.entries() == []


@pytest.mark.parametrize(
    ("provider", "reason", "calls"),
    [
        ("openai", "refused", 1),
        ("anthropic", "refused", 1),
        ("google", "refused", 1),
        ("mistral", "unusable", 3),
    ],
)
def test_a_refusal_is_final_for_a_day(
    desk: Desk, outside: Outside, provider: str, reason: str, calls: int
):
    """Mistral refuses in prose, which is sent back with a request for the fields."""
    desk.made(provider)
    reply(desk, Reply("refusal", times=9))
    assert (desk.buy().row.state, desk.buy().row.reason) == ("failed", reason)
    assert len(asked(outside)) == calls
    desk.outside.world.replies.clear()
    desk.clock.moment = LONG_AGO.replace(day=21)
    assert desk.buy().row.state == "done"


def test_a_refusal_counts_only_for_the_models_that_were_asked(desk: Desk, outside: Outside):
    desk.made("openai")
    reply(desk, Reply("refusal"))
    assert desk.buy().row.reason == "refused"
    desk.made("openai", "mistral")
    assert desk.buy().row.state == "done"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_answer_that_is_cut_off_is_not_asked_for_again(
    desk: Desk, outside: Outside, provider: str
):
    desk.made(provider)
    reply(desk, Reply("truncated", times=9))
    row = desk.buy().row
    assert (row.state, row.reason) == ("failed", "unusable")
    assert "the answer was cut off at 2000 tokens" in row.detail
    assert asked(outside) == [(provider, "truncated")]


FAULTS = {
    "malformed": ("summaries_en", Reply("malformed"), ""),
    "empty": ("summaries_en", Reply("empty"), ""),
    "prose": ("summaries_en", Reply("text"), ""),
    "wrong language": (
        "summaries_en",
        Reply(content={"title": RUSSIAN["title"], "text": RUSSIAN["text"]}),
        "The text is in the language ru, not en",
    ),
    "an English word": (
        "summaries_ru",
        Reply(content=RUSSIAN | {"text": RUSSIAN["text"].replace("слишком", "drastically")}),
        'The Russian contains English words in lower case: "drastically"',
    ),
    "two emoji": ("summaries_ru", Reply(content=RUSSIAN | {"emoji": "🫖🔥"}), "holds 2 emoji"),
    "markup": (
        "summaries_ru",
        Reply(content=RUSSIAN | {"text": RUSSIAN["text"].replace("кипение", "**кипение**")}),
        "The text holds bold or italic markup",
    ),
    "an invented tag": (
        "topic_tags",
        Reply(content={"topics": ["CREATIVITY"]}),
        'The topic "CREATIVITY" is not',
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_bad_answer_is_sent_back_with_what_is_wrong(
    desk: Desk, outside: Outside, provider: str, fault: str
):
    asset, bad, message_part = FAULTS[fault]
    desk.made(provider)
    reply(desk, Reply(bad.kind, bad.content))
    assert desk.buy(asset).row.state == "done"
    assert len(asked(outside)) == 2
    assert any(
        message_part in message["text"]
        for message in desk.attempts()[0]["messages"]
        if message["role"] == "correction"
    )


@pytest.mark.parametrize("fault", ["wrong language", "two emoji", "markup", "an invented tag"])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_answer_that_stays_bad_is_refused_and_its_attempts_are_kept(
    desk: Desk, outside: Outside, provider: str, fault: str
):
    asset, bad, message_part = FAULTS[fault]
    desk.made(provider)
    reply(desk, Reply(bad.kind, bad.content, times=9))
    row = desk.buy(asset).row
    assert (row.state, row.reason) == ("failed", "unusable")
    assert message_part in row.detail
    assert len(asked(outside)) == 3
    (kept,) = desk.kept_attempts()
    assert [attempt["result"] for attempt in kept["attempts"]] == ["unusable"]
    assert len(kept["attempts"][0]["verdicts"]) == 3


def test_the_next_model_is_asked_when_one_fails(desk: Desk, outside: Outside):
    reply(desk, Reply("refusal", provider="openai"), Reply("truncated", provider="anthropic"))
    row = desk.buy().row
    assert (row.state, row.provider) == ("done", "mistral")
    assert asked(outside) == [("openai", "refusal"), ("anthropic", "truncated"), ("mistral", "ok")]
    assert [attempt["result"] for attempt in desk.attempts()] == ["refused", "unusable", "answered"]


# Faults that an answer may keep

STYLE = RUSSIAN | {"text": RUSSIAN["text"].replace("слишком", "drastically")}
NUMBER = RUSSIAN | {"text": RUSSIAN["text"] + " Точность 97%."}
NUMBERS = RUSSIAN | {"text": RUSSIAN["text"] + " Точность 97% на 512 чайниках."}
FATAL = RUSSIAN | {"text": RUSSIAN["text"].replace("кипение", "**кипение**")}
OWN_WORDS = 'The Russian contains English words in lower case: "drastically". Translate them.'


def in_turn(desk: Desk, *answers: dict[str, str]) -> None:
    """The replies of the next calls, one after another; the last one for ever."""
    reply(desk, *(Reply(content=answer) for answer in answers[:-1]))
    reply(desk, Reply(content=answers[-1], times=99))


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_fault_of_style_is_sent_back_once_and_then_published(
    desk: Desk, outside: Outside, provider: str
):
    desk.made(provider)
    in_turn(desk, STYLE)
    row = desk.buy("summaries_ru").row
    assert (row.state, row.text) == ("done", STYLE["text"])
    assert (row.style_notes, row.unverified) == ([OWN_WORDS], [])
    assert len(asked(outside)) == 2
    (entry,) = desk.entries()
    assert entry.provenance["faults"] == [
        {"rule": "stranger_words", "message": OWN_WORDS, "severity": "style", "quoted": ""}
    ]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_number_that_stays_is_published_as_unverified(
    desk: Desk, outside: Outside, provider: str
):
    desk.made(provider)
    in_turn(desk, NUMBER)
    row = desk.buy("summaries_ru").row
    assert (row.state, row.text) == ("done", NUMBER["text"])
    assert (row.unverified, row.style_notes) == (["97%"], [])
    assert len(asked(outside)) == 3


def test_a_number_is_not_taken_to_the_next_model(desk: Desk, outside: Outside):
    in_turn(desk, NUMBER)
    assert desk.buy("summaries_ru").row.unverified == ["97%"]
    assert asked(outside) == [("anthropic", "ok")] * 3


def test_a_corrected_number_leaves_no_mark(desk: Desk, outside: Outside):
    in_turn(desk, NUMBER, RUSSIAN)
    row = desk.buy("summaries_ru").row
    assert (row.text, row.unverified, row.style_notes) == (RUSSIAN["text"], [], [])
    assert len(asked(outside)) == 2
    (entry,) = desk.entries()
    assert "faults" not in entry.provenance


@pytest.mark.parametrize(
    ("replies", "published", "calls"),
    [
        ((NUMBER, NUMBERS, NUMBERS), NUMBER, 3),
        ((NUMBERS, NUMBER, NUMBERS), NUMBER, 3),
        ((NUMBERS, NUMBER, STYLE), STYLE, 3),
        ((NUMBER, FATAL, FATAL), NUMBER, 3),
        ((STYLE, FATAL, FATAL), STYLE, 3),
        ((FATAL, STYLE, RUSSIAN), RUSSIAN, 3),
        ((STYLE, STYLE, RUSSIAN), STYLE, 2),
    ],
    ids=[
        "the_first_has_fewest_numbers",
        "the_second_has_fewest_numbers",
        "style_is_better_than_a_number",
        "a_number_is_better_than_a_fatal_fault",
        "style_is_better_than_a_fatal_fault",
        "style_after_a_fatal_fault_is_sent_back",
        "style_is_sent_back_once",
    ],
)
def test_the_best_reply_is_published(
    desk: Desk,
    outside: Outside,
    replies: tuple[dict[str, str], ...],
    published: dict[str, str],
    calls: int,
):
    in_turn(desk, *replies)
    row = desk.buy("summaries_ru").row
    assert (row.state, row.text) == ("done", published["text"])
    assert len(asked(outside)) == calls


@pytest.mark.parametrize(
    ("spoiled", "detail"),
    [
        (Reply("refusal"), "content_filter"),
        (Reply("truncated"), "the answer was cut off at 2000 tokens"),
    ],
    ids=["refusal", "truncated"],
)
def test_an_answer_is_kept_whatever_ends_its_correction(
    desk: Desk, outside: Outside, spoiled: Reply, detail: str
):
    reply(desk, Reply(content=NUMBER), spoiled)
    row = desk.buy("summaries_ru").row
    assert (row.provider, row.text, row.unverified) == ("anthropic", NUMBER["text"], ["97%"])
    (attempt,) = desk.attempts()
    assert attempt["result"] == "answered"
    assert len(asked(outside)) == 2
    if spoiled.kind == "truncated":
        assert attempt["detail"] == detail


def test_an_answer_is_kept_if_the_budget_ends_its_correction(desk: Desk, outside: Outside):
    reply_as_usual = outside.world.reply

    def spend_the_rest(call: Any) -> Any:
        desk.models.daily_budget_usd = 1e-9
        return reply_as_usual(call)

    outside.world.reply = spend_the_rest  # type: ignore[method-assign]
    in_turn(desk, NUMBER)
    assert desk.buy("summaries_ru").row.unverified == ["97%"]
    assert len(asked(outside)) == 1
    assert desk.attempts()[0]["detail"] == "budget"


def test_a_published_fault_costs_nothing_at_the_next_build(desk: Desk, outside: Outside):
    in_turn(desk, NUMBER)
    first = desk.buy("summaries_ru")
    calls = len(asked(outside))
    second = desk.buy("summaries_ru")
    assert second.rows == first.rows
    assert len(asked(outside)) == calls


def test_what_is_mechanical_is_repaired_without_a_call(desk: Desk, outside: Outside):
    given = RUSSIAN | {"title": f"«{RUSSIAN['title']}.»", "text": RUSSIAN["text"].rstrip(".")}
    in_turn(desk, given)
    row = desk.buy("summaries_ru").row
    assert (row.title, row.text, row.style_notes) == (RUSSIAN["title"], RUSSIAN["text"], [])
    assert len(asked(outside)) == 1
    (entry,) = desk.entries()
    assert entry.provenance["repairs"] == [
        'title: "«" is removed',
        'title: ".»" is removed',
        'text: "." is added',
    ]
    assert json.loads(desk.attempts()[0]["messages"][2]["text"])["title"] == given["title"]


# Bought once


def test_what_was_bought_is_not_bought_again(desk: Desk, outside: Outside):
    first = desk.buy(papers=PAPERS)
    second = desk.buy(papers=PAPERS)
    assert (first.counts.computed, second.counts.reused) == (len(PAPERS), len(PAPERS))
    assert second.rows == first.rows
    assert second.spent == Spent()
    assert len(asked(outside)) == len(PAPERS)


def test_an_answer_that_is_there_needs_no_provider(desk: Desk):
    bought = desk.buy().row
    desk.models.access = dict.fromkeys(model_providers.PROVIDERS, Access())
    assert desk.buy().row == bought


def test_without_a_provider_earlier_texts_stay(desk: Desk):
    bought = desk.buy().row
    desk.models.access = dict.fromkeys(model_providers.PROVIDERS, Access())
    changed = PAPER.model_copy(update={"abstract": ABSTRACT + " It works."})
    assert desk.buy(papers=[changed]).row.state == "pending"
    kept = desk.buy(papers=[changed], earlier=[bought])
    assert kept.row == bought
    assert kept.counts.pending == 1


def test_white_space_in_the_feed_is_not_a_new_input(desk: Desk, outside: Outside):
    desk.buy()
    desk.buy(papers=[PAPER.model_copy(update={"abstract": ABSTRACT.replace(" ", "\n  ", 1)})])
    assert len(asked(outside)) == 1


def test_asking_again_keeps_the_old_answer_beside_the_new(desk: Desk, outside: Outside):
    old = desk.buy().row
    given = answer(
        Question("in English", "", {"title": {"type": "string"}, "text": {"type": "string"}})
    )
    reply(desk, Reply(content=given | {"title": "Kettles warn earlier"}))
    loop.run(ask_again(STAGES["summaries_en"], PAPER, models=desk.models))
    assert desk.buy().row.title == "Kettles warn earlier"
    (entry,) = desk.entries()
    (earlier,) = entry.provenance["earlier"]
    assert earlier["value"]["title"] == old.title
    assert len(asked(outside)) == 2


def test_asking_again_in_vain_leaves_the_old_answer(desk: Desk):
    old = desk.buy().row
    reply(desk, Reply("refusal", times=9))
    with pytest.raises(PaperFailed, match="unusable"):
        loop.run(ask_again(STAGES["summaries_en"], PAPER, models=desk.models))
    assert desk.buy().row == old


# The first request to a provider


def buy_at_once(desk: Desk, *assets: str, papers: Sequence[Paper]) -> list[Bought]:
    """Buy several assets side by side, from the same models."""

    async def all_assets() -> list[Any]:
        buying = [
            enrich(
                desk.stages[asset],
                papers,
                models=desk.models,
                concurrency=32,
                progress=NullProgress(),
            )
            for asset in assets
        ]
        return await asyncio.gather(*buying)

    return [Bought(*bought) for bought in loop.run(all_assets())]


def numbered(count: int) -> list[Paper]:
    return [
        PAPER.model_copy(update={"arxiv_id": f"2603.2{number:04}", "title": f"Kettle {number}"})
        for number in range(count)
    ]


def test_after_the_first_answer_everyone_who_waits_goes_at_once(desk: Desk, outside: Outside):
    world = outside.world
    before: list[int] = []
    reply_as_usual = world.reply

    def after_the_first(call: Any) -> Any:
        if not before:
            before.append(world.most_under_way)
            world.crowd = 31  # no further call is answered before all the others are there
        return reply_as_usual(call)

    world.reply = after_the_first  # type: ignore[method-assign]
    desk.made("openai", concurrency=32)
    bought = buy_at_once(desk, "summaries_en", "topic_tags", papers=numbered(16))
    assert [part.counts.computed for part in bought] == [16, 16]
    assert (before, world.most_under_way) == ([1], 31)
    assert len(asked(outside)) == 32


def test_what_the_judge_needs_is_loaded_in_a_thread_once_a_model_is_asked(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    loads: list[str] = []
    dictionary = loaded_once(lambda: loads.append(threading.current_thread().name))
    monkeypatch.setattr(desk.stages["summaries_en"], "preloads", (dictionary,))
    assert desk.buy(papers=PAPERS).counts.computed == len(PAPERS)
    assert loads == ["preload"]
    dictionary.forget()
    assert desk.buy(papers=PAPERS).counts.reused == len(PAPERS)
    assert loads == ["preload"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_wrong_key_costs_one_call_however_many_wait(desk: Desk, outside: Outside, provider: str):
    desk.made(provider, key="wrong-key", concurrency=32)
    bought = buy_at_once(desk, "summaries_en", "topic_tags", papers=numbered(16))
    assert [part.counts.failed for part in bought] == [16, 16]
    assert len(asked(outside)) == 1


def test_when_the_first_one_fails_only_the_next_one_goes(desk: Desk, outside: Outside):
    world = outside.world
    world.faults.append(Fault("/openai/", 500, times=3))
    before: list[int] = []
    reply_as_usual = world.reply

    def at_the_first(call: Any) -> Any:
        before.append(world.most_under_way)
        return reply_as_usual(call)

    world.reply = at_the_first  # type: ignore[method-assign]
    desk.made("openai", concurrency=32)
    (bought,) = buy_at_once(desk, "summaries_en", papers=numbered(32))
    assert bought.counts.computed == 32
    assert before[0] == 1
    assert asked(outside)[:4] == [("openai", "500")] * 3 + [("openai", "ok")]


# The budget


def price_of_a_call(desk: Desk, usd: float) -> tuple[float, float]:
    """Set the price of tokens so that one call costs so much; what it costs, and at most."""
    desk.made("local", concurrency=32)
    desk.models.assumed_price = 1.0
    desk.buy("summaries_en", numbered(1))
    (highest, settled) = (line["usd"] for line in desk.ledger_lines())
    shutil.rmtree(desk.folder)
    desk.made("local", concurrency=32)
    desk.models.assumed_price = usd / settled
    desk.outside.world.calls.clear()
    return usd, highest * usd / settled


def buy_at_once_from(desk: Desk, *models: Models) -> Counter[tuple[str, str | None]]:
    """Buy 32 texts at once, shared out among the models; how many rows end in which way."""

    async def buy() -> list[Any]:
        buying = [
            enrich(
                desk.stages["summaries_en"],
                numbered(32)[number :: len(models)],
                models=each,
                concurrency=32,
                progress=NullProgress(),
            )
            for number, each in enumerate(models)
        ]
        return await asyncio.gather(*buying)

    rows = [row for bought, _, _ in loop.run(buy()) for row in bought]
    return Counter((row.state, row.reason) for row in rows)


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("reasoning_tokens", [0, 1500])
def test_calls_under_way_do_not_exceed_the_budget(
    desk: Desk, outside: Outside, processes: int, reasoning_tokens: int
):
    """Of 32 calls at once that cost 0.1 USD each, 1 USD pays for ten at most."""
    reply(desk, Reply(reasoning_tokens=reasoning_tokens, times=99))
    _, highest = price_of_a_call(desk, 0.1)
    models = [desk.models]
    if processes == 2:
        models.append(desk.made("local", concurrency=32))
        desk.models.assumed_price = models[0].assumed_price
    for each in models:
        each.daily_budget_usd = 1.0
    outside.world.latency_seconds = 0.05
    ends = buy_at_once_from(desk, *models)
    assert set(ends) == {("done", None), ("pending", "budget")}
    spendings = desk.spendings()
    assert 1 - highest - 0.01 < sum(spending.usd for spending in spendings) <= 1
    assert {spending.state for spending in spendings} == {"settled"}
    assert len(asked(outside)) == len(spendings) >= ends["done", None]


def test_a_budget_waits_for_what_is_under_way(desk: Desk, outside: Outside):
    """There is no room for ten calls at their highest price, but for all ten at their own."""
    each, highest = price_of_a_call(desk, 0.1)
    outside.world.latency_seconds = 0.05
    notes = Notes()
    desk.models.daily_budget_usd = 10 * each + highest
    assert desk.models.daily_budget_usd < 6 * highest
    bought = desk.buy(papers=numbered(10), progress=notes)
    assert bought.counts.computed == 10
    assert outside.world.most_under_way > 1
    assert "waiting for the budget: calls under way may take what is left of it" in notes.notes


def test_a_lost_call_keeps_its_share_of_the_budget_and_nobody_waits_for_it(
    desk: Desk, outside: Outside
):
    desk.made("local", timeout_seconds=0.5)
    desk.models.assumed_price = 40.0
    outside.world.faults.append(Fault("/local/", seconds=1.5, times=2))
    assert desk.buy().row.state == "failed"
    (first, second) = desk.spendings()
    desk.models.daily_budget_usd = first.usd + second.usd + 0.01
    row = desk.buy().row
    assert (row.state, row.reason) == ("pending", "budget")
    assert len(asked(outside)) == 2


# Limits


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_lower_limit_than_ours_is_learned_from_its_answers(
    desk: Desk, outside: Outside, provider: str
):
    """The provider takes 6 requests a second; nobody has told us."""
    outside.world.rates[provider] = (6, 1.0)
    desk.made(provider, concurrency=32)
    (bought,) = buy_at_once(desk, "topic_tags", papers=numbered(12))
    assert bought.counts.computed == 12
    outcomes = Counter(outcome for _, outcome in asked(outside))
    assert outcomes["ok"] == 12
    assert outcomes["429"] > 0


def test_a_rate_limit_pauses_every_request_of_every_process(
    desk: Desk, outside: Outside, monkeypatch
):
    monkeypatch.setattr(turns, "NOTED_SECONDS", 1.0)
    ours, theirs = desk.made("openai"), desk.made("openai")
    outside.world.faults.append(Fault("/openai/", 429, headers={"Retry-After": "2"}))

    async def buy() -> None:
        buying = [
            enrich(
                STAGES["topic_tags"],
                numbered(4)[2 * number :][:2],
                models=models,
                concurrency=3,
                progress=notes,
            )
            for number, models in enumerate((ours, theirs))
        ]
        first = asyncio.ensure_future(buying[0])
        while not any(outcome == "429" for _, outcome in asked(outside)):
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        await asyncio.gather(first, buying[1])

    notes = Notes()
    loop.run(buy())
    first, second, *_ = outside.world.calls
    assert second.at - first.at >= 1.9
    assert Counter(outcome for _, outcome in asked(outside)) == {"429": 1, "ok": 4}
    waiting = "waiting for openai: it answered that there were too many requests"
    assert [note.rpartition(" (")[0] for note in notes.notes] == [waiting] * 2


def test_no_more_requests_are_under_way_than_allowed(desk: Desk, outside: Outside):
    under_way: list[int] = []
    outside.world.latency_seconds = 0.1
    original = outside.world.reply

    def count(call: Any) -> Any:
        under_way.append(sum(other.outcome == "pending" for other in outside.world.calls))
        return original(call)

    outside.world.reply = count  # type: ignore[method-assign]
    desk.made(concurrency=2)
    assert desk.buy(papers=PAPERS).counts.computed == len(PAPERS)
    assert max(under_way) == 2
