"""A webhook and an address of apprise in every fault: no alarm is lost, and the log says why."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from papers_pipeline.base import alarm
from papers_pipeline.base.clock import FixedClock
from papers_pipeline.defs.alarms import list_alarms
from papers_pipeline.settings import load_settings
from papers_pipeline_tests.audit.matrix import Cell
from papers_pipeline_tests.helpers.speaking import endless, speaking

MONDAY = datetime(2026, 3, 2, 8, tzinfo=UTC)
OK = [b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"]


class StalledLake:
    """Tables in which the list of every day is stalled."""

    def read(self, *_: Any) -> list[Any]:
        return [SimpleNamespace(state="stalled")]


def look(cursor: str | None) -> str | None:
    """What `list_alarms` remembers after a look at the lists of the week."""
    context = dg.build_sensor_context(cursor=cursor)
    list_alarms(context, load_settings(), StalledLake(), FixedClock(MONDAY))
    return context.cursor


@contextmanager
def channel(
    monkeypatch: pytest.MonkeyPatch, party: str, answer: Any, pause: float
) -> Iterator[Any]:
    """A place for messages that gives this answer."""
    with speaking(answer, pause) as speaker:
        host = speaker.url.removeprefix("http://")
        monkeypatch.delenv("PAPERS_WEBHOOK_URL", raising=False)
        monkeypatch.delenv("PAPERS_ALARM_URLS", raising=False)
        if party == "webhook":
            monkeypatch.setenv("PAPERS_WEBHOOK_URL", f"{speaker.url}/s3cret")
        else:
            monkeypatch.setenv("PAPERS_ALARM_URLS", f"json://{host}/s3cret?rto=0.3&retry=0")
        yield speaker


def answered(status: int) -> Any:
    return lambda _: [f"HTTP/1.1 {status} no\r\nContent-Length: 0\r\n\r\n".encode()]


@pytest.mark.parametrize(
    ("answer", "pause_seconds"),
    [
        pytest.param(
            lambda _: [],
            0,
            marks=pytest.mark.fault(
                party="webhook",
                fault="unreachable",
                kept="the alarm",
                retried="every hour, until it is accepted",
                told="the webhook cannot be reached: ConnectionError",
            ),
        ),
        pytest.param(
            lambda _: endless(b"HTT"),
            0.05,
            marks=pytest.mark.fault(
                party="webhook",
                fault="slow or drips",
                kept="the alarm",
                retried="every hour, until it is accepted",
                told="the webhook cannot be reached: ",
            ),
        ),
        pytest.param(
            lambda _: [b""],
            60,
            marks=pytest.mark.fault(
                party="webhook",
                fault="timeout",
                kept="the alarm",
                retried="every hour, until it is accepted",
                told="the webhook cannot be reached: ",
            ),
        ),
        pytest.param(
            answered(403),
            0,
            marks=pytest.mark.fault(
                party="webhook",
                fault="401 or 403",
                kept="the alarm",
                retried="every hour, until it is accepted",
                told="the webhook answered 403",
            ),
        ),
        pytest.param(
            answered(404),
            0,
            marks=pytest.mark.fault(
                party="webhook",
                fault="404",
                kept="the alarm",
                retried="every hour, until it is accepted",
                told="the webhook answered 404",
            ),
        ),
        pytest.param(
            answered(429),
            0,
            marks=pytest.mark.fault(
                party="webhook",
                fault="429",
                kept="the alarm",
                retried="every hour, until it is accepted",
                told="the webhook answered 429",
            ),
        ),
        pytest.param(
            answered(503),
            0,
            marks=pytest.mark.fault(
                party="webhook",
                fault="5xx",
                kept="the alarm",
                retried="every hour, until it is accepted",
                told="the webhook answered 503",
            ),
        ),
        pytest.param(
            lambda _: [b"HTTP/1.1 2"],
            0,
            marks=pytest.mark.fault(
                party="webhook",
                fault="cut short",
                kept="the alarm",
                retried="every hour, until it is accepted",
                told="the webhook cannot be reached: ConnectionError",
            ),
        ),
        pytest.param(
            lambda _: [b"good morning\r\n\r\n"],
            0,
            marks=pytest.mark.fault(
                party="webhook",
                fault="malformed",
                kept="the alarm",
                retried="every hour, until it is accepted",
                told="the webhook cannot be reached: ConnectionError",
            ),
        ),
        pytest.param(
            answered(410),
            0,
            marks=pytest.mark.fault(
                party="webhook",
                fault="changed or withdrawn",
                kept="the alarm",
                retried="every hour, until it is accepted",
                told="the webhook answered 410",
            ),
        ),
        pytest.param(
            lambda _: [],
            0,
            marks=pytest.mark.fault(
                party="address",
                fault="unreachable",
                kept="the alarm",
                retried="every hour, until it is accepted",
                told="an address of PAPERS_ALARM_URLS did not accept the message",
            ),
        ),
        pytest.param(
            lambda _: endless(b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n"),
            0.05,
            marks=pytest.mark.fault(
                party="address",
                fault="slow or drips",
                kept="the alarm",
                retried="every hour, until it is accepted",
                told="an address of PAPERS_ALARM_URLS did not accept the message",
            ),
        ),
        pytest.param(
            lambda _: [b""],
            60,
            marks=pytest.mark.fault(
                party="address",
                fault="timeout",
                kept="the alarm",
                retried="every hour, until it is accepted",
                told="an address of PAPERS_ALARM_URLS did not accept the message",
            ),
        ),
        pytest.param(
            answered(403),
            0,
            marks=pytest.mark.fault(
                party="address",
                fault="401 or 403",
                kept="the alarm",
                retried="every hour, until it is accepted",
                told="an address of PAPERS_ALARM_URLS did not accept the message",
            ),
        ),
        pytest.param(
            answered(404),
            0,
            marks=pytest.mark.fault(
                party="address",
                fault="404",
                kept="the alarm",
                retried="every hour, until it is accepted",
                told="an address of PAPERS_ALARM_URLS did not accept the message",
            ),
        ),
        pytest.param(
            answered(429),
            0,
            marks=pytest.mark.fault(
                party="address",
                fault="429",
                kept="the alarm",
                retried="every hour, until it is accepted",
                told="an address of PAPERS_ALARM_URLS did not accept the message",
            ),
        ),
        pytest.param(
            answered(503),
            0,
            marks=pytest.mark.fault(
                party="address",
                fault="5xx",
                kept="the alarm",
                retried="every hour, until it is accepted",
                told="an address of PAPERS_ALARM_URLS did not accept the message",
            ),
        ),
        pytest.param(
            lambda _: [b"HTTP/1.1 2"],
            0,
            marks=pytest.mark.fault(
                party="address",
                fault="cut short",
                kept="the alarm",
                retried="every hour, until it is accepted",
                told="an address of PAPERS_ALARM_URLS did not accept the message",
            ),
        ),
        pytest.param(
            lambda _: [b"good morning\r\n\r\n"],
            0,
            marks=pytest.mark.fault(
                party="address",
                fault="malformed",
                kept="the alarm",
                retried="every hour, until it is accepted",
                told="an address of PAPERS_ALARM_URLS did not accept the message",
            ),
        ),
        pytest.param(
            answered(410),
            0,
            marks=pytest.mark.fault(
                party="address",
                fault="changed or withdrawn",
                kept="the alarm",
                retried="every hour, until it is accepted",
                told="an address of PAPERS_ALARM_URLS did not accept the message",
            ),
        ),
    ],
)
def test_an_alarm_that_is_not_accepted_is_sent_again(
    cell: Cell, monkeypatch, caplog, answer: Any, pause_seconds: float
):
    monkeypatch.setattr(alarm, "TIMEOUT_SECONDS", 0.3)
    monkeypatch.setattr(alarm, "LONGEST_NOTIFY_SECONDS", 3.0)
    with channel(monkeypatch, cell.party, answer, pause_seconds) as speaker:
        assert look(None) is None
        assert len(speaker.requests) >= 1
    assert cell.told in caplog.text
    assert "s3cret" not in caplog.text
    with channel(monkeypatch, cell.party, lambda _: OK, 0) as speaker:
        cursor = look(None)
        assert "2026-03-01:stalled" in cursor
        assert look(cursor) == cursor
        assert len(speaker.requests) == 1


@pytest.mark.fault(
    party=("webhook", "address"),
    fault="killed process",
    kept="the alarm: it may be told twice, and not less than once",
    retried="by the next look",
    told="",
)
def test_a_process_that_is_killed_before_it_remembers_tells_again(cell: Cell, monkeypatch):
    """What it would remember is lost, so that the next look has the cursor of the one before."""
    for party in cell.party:
        with channel(monkeypatch, party, lambda _: OK, 0) as speaker:
            look(None)
            look(None)
            assert len(speaker.requests) == 2
