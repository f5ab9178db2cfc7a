"""Stored conversations open in every later version and keep their JSON shape."""

import json
from pathlib import Path

from upath import UPath

from papers_pipeline.base.clock import FixedClock
from papers_pipeline.base.faults import Fault
from papers_pipeline.coordination.files import FileCoordination
from papers_pipeline.llm.conversation import Provenance, is_valid
from papers_pipeline.store.purchases import Purchase, Purchases
from papers_pipeline_tests.conftest import LONG_AGO

ATTEMPT = {
    "model": "openai:gpt-6-luna",
    "result": "answered",
    "detail": None,
    "messages": [
        {"role": "system", "text": "You tag papers."},
        {"role": "user", "text": "Kettles"},
        {"role": "reply", "text": '{"topics": ["KETTLES"]}'},
        {"role": "correction", "text": "KETTLES is not in the list."},
        {"role": "reply", "text": '{"topics": ["AUDIO"]}'},
    ],
    "verdicts": [
        {"faults": ["KETTLES is not in the list."], "warnings": []},
        {"faults": [], "warnings": ["One topic only."]},
    ],
    "input_tokens": 100,
    "output_tokens": 20,
    "usd": 0.00012,
}
SUMS = {
    "arxiv_id": "2603.10001",
    "prompt": "topic_tags",
    "prompt_version": "0123456789ab",
    "input_tokens": 100,
    "output_tokens": 20,
    "usd": 0.00012,
    "attempts": [ATTEMPT],
}
ANSWERED = {"provider": "openai", "model": "gpt-6-luna", "models": ["openai:gpt-6-luna"], **SUMS}
FAILED = {"models": ["openai:gpt-6-luna"], **SUMS, "usd": None}
IDENTITY = {"prompt_version": "0123456789ab", "input_hash": "0123456789abcdef"}
ENTRY = {
    "format": 1,
    "asset": "topic_tags",
    "identity": IDENTITY,
    "created_at": "2026-03-20T12:00:00Z",
    "value": {"topics": ["AUDIO"]},
    "failure": None,
    "expires_at": None,
    "provenance": ANSWERED,
}
REPLACING = {**ENTRY, "provenance": {**ANSWERED, "earlier": [ENTRY, ENTRY]}}
FAILURE = {
    **ENTRY,
    "value": None,
    "failure": {"stage": "topic_tags", "reason": "refused", "detail": None, "attempts": 1},
    "provenance": FAILED,
}


def test_provenance_of_an_earlier_version_is_written_back_in_the_same_shape():
    for stored in (ENTRY, REPLACING, FAILURE):
        entry = Purchase.model_validate(stored)
        provenance = Provenance.of(entry).as_json()
        assert json.dumps(provenance) == json.dumps(stored["provenance"])


def test_an_entry_of_an_earlier_version_keeps_its_content(tmp_path: Path):
    locks = FileCoordination(tmp_path / "home", tmp_path / "ledger")
    purchases = Purchases(UPath(tmp_path), locks, FixedClock(LONG_AGO))
    path = purchases.path("topic_tags", IDENTITY)
    path.parent.mkdir(parents=True)
    stored = json.dumps(REPLACING, indent=1).encode() + b"\n"
    path.write_bytes(stored)
    entry = purchases.get("topic_tags", IDENTITY)
    assert entry is not None
    purchases.put(entry.model_copy(update={"provenance": Provenance.of(entry).as_json()}))
    kept = json.loads(path.read_bytes())
    del kept["sha256"]
    assert kept == REPLACING | {"format": 2}


def test_what_is_stored_is_read_as_typed_records():
    provenance = Provenance.of(Purchase.model_validate(REPLACING))
    (attempt,) = provenance.attempts
    assert [message.role for message in attempt.messages][-2:] == ["correction", "reply"]
    assert attempt.verdicts[1].warnings == ("One topic only.",)
    assert [entry.value for entry in provenance.earlier] == [{"topics": ["AUDIO"]}] * 2


def test_a_fault_stored_as_a_sentence_is_fatal_and_has_no_rule():
    provenance = Provenance.of(Purchase.model_validate(ENTRY))
    first, _ = provenance.attempts[0].verdicts
    assert first.faults == (Fault("", "KETTLES is not in the list.", "fatal"),)
    assert (provenance.faults, provenance.repairs) == ((), ())


def test_a_fault_is_stored_with_its_rule_and_severity():
    fault = {"rule": "number", "message": "Compare 97%.", "severity": "unverified", "quoted": "97%"}
    stored = {**ANSWERED, "faults": [fault], "repairs": ['title: "." is removed']}
    provenance = Provenance.model_validate(stored)
    assert provenance.faults == (Fault("number", "Compare 97%.", "unverified", "97%"),)
    assert provenance.as_json() == stored


def test_an_answer_is_valid_for_ever_and_a_failure_until_another_model_is_configured():
    failure = Purchase.model_validate(FAILURE)
    assert is_valid(Purchase.model_validate(ENTRY), ["mistral:mistral-small-latest"])
    assert is_valid(failure, ["openai:gpt-6-luna"])
    assert is_valid(failure, [])
    assert not is_valid(failure, ["openai:gpt-6-luna", "mistral:mistral-small-latest"])
