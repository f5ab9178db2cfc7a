"""The list is fetched whole, kept as received, and read into typed rows."""

import gzip
import json
import re
from datetime import UTC, date, datetime, timedelta

import pytest

from papers_pipeline.base.http import session
from papers_pipeline.listing import feed
from papers_pipeline.listing.feed import FeedClient, FeedError
from papers_pipeline.records import FeedResponse
from papers_pipeline.sandbox.world import Fault
from papers_pipeline_tests.conftest import Outside, entry
from papers_pipeline_tests.helpers.speaking import endless, gzipped, speaking

DAY = date(2026, 3, 2)
MORNING = datetime(2026, 3, 2, 8, tzinfo=UTC)


def client(outside: Outside) -> FeedClient:
    return FeedClient(outside.url, session(backoff_seconds=0.01, retries=2))


def responses(*lists: list) -> list[FeedResponse]:
    """One response per list, an hour apart."""
    kept: list[FeedResponse] = []
    for hour, entries in enumerate(lists):
        kept = feed.kept_responses(kept, [json.dumps(entries)], MORNING + timedelta(hours=hour))
    return kept


def test_a_list_of_250_is_fetched_page_by_page_until_a_short_one(outside: Outside):
    outside.list("2026-03-02", [entry(f"2603.{10000 + n}") for n in range(250)])
    bodies = client(outside).fetch(DAY)
    assert [len(json.loads(body)) for body in bodies] == [100, 100, 50]
    assert outside.world.asked["list 2026-03-02"] == 3


def test_a_full_last_page_is_followed_by_an_empty_one(outside: Outside):
    outside.list("2026-03-02", [entry(f"2603.{10000 + n}") for n in range(100)])
    assert [len(json.loads(body)) for body in client(outside).fetch(DAY)] == [100, 0]


def test_a_day_without_a_list_is_an_empty_list(outside: Outside):
    assert client(outside).fetch(date(2026, 3, 1)) == ["[]"]


def test_the_token_is_sent_and_only_when_set(outside: Outside, monkeypatch):
    seen = []
    http = session(retries=0)
    http.hooks["response"].append(
        lambda answer, **_: seen.append(answer.request.headers.get("Authorization"))
    )
    FeedClient(outside.url, http).fetch(DAY)
    FeedClient(outside.url, http, token="hf_secret").fetch(DAY)
    assert seen == [None, "Bearer hf_secret"]


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (
            Fault("daily_papers", 400, "{}", times=9),
            "answered 400: it has no list for 2026-03-02",
        ),
        (
            Fault("daily_papers", 401, "{}", times=9),
            "answered 401: the token is not accepted; check HF_TOKEN",
        ),
        (Fault("daily_papers", 404, "{}", times=9), "answered 404: is HF_ENDPOINT right?"),
        (
            Fault("daily_papers", 503, "", times=9),
            "answered 503 after all retries: the service is in trouble",
        ),
        (
            Fault("daily_papers", 200, "<html>Back soon</html>"),
            "the list is HTML: '<html>Back soon</html>'",
        ),
        (Fault("daily_papers", 200, "[{"), r"the list is not JSON: '\[\{'"),
        (
            Fault("daily_papers", 200, '{"status": "success", "data": []}'),
            r"got dict with keys \['data', 'status'\]",
        ),
    ],
)
def test_a_wrong_response_is_an_error_that_says_what_to_do(
    outside: Outside, fault: Fault, message: str
):
    outside.world.faults.append(fault)
    with pytest.raises(FeedError, match=f"^2026-03-02: .*{message}"):
        client(outside).fetch(DAY)


def test_a_list_that_drips_ends_and_says_so():
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n["
    with speaking(lambda _: endless(head), pause_seconds=0.05) as speaker:
        slow = FeedClient(speaker.url, session(retries=0, longest_exchange=0.5))
        with pytest.raises(
            FeedError, match=r"is too slow \(no complete answer within 0\.5 s\): try again later"
        ):
            slow.fetch(DAY)


def test_a_list_that_unpacks_to_gigabytes_is_refused():
    packed = gzip.compress(bytes(200_000_000))
    with speaking(lambda _: gzipped(packed, "application/json")) as speaker:
        huge = FeedClient(speaker.url, session(retries=0))
        with pytest.raises(FeedError, match="sends more than 4000000 bytes for a page"):
            huge.fetch(DAY)


def served(body: bytes) -> list[bytes]:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return [f"{head}\r\n".encode(), body]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            b"[" * 3_999_999,
            "the list is nested too deeply for one of papers: is HF_ENDPOINT right?",
        ),
        (
            b'[{"paper": {"upvotes": %s}}]' % (b"9" * 3_999_000),
            "the list has too long a number for one of papers: is HF_ENDPOINT right?",
        ),
        (
            b"[" + b"{}," * 1_333_000 + b"{}]",
            "sends 1333001 entries for a page of 100: is HF_ENDPOINT right?",
        ),
        (
            b"[" + b"{}," * 10_000_000 + b"{}]",
            "sends more than 4000000 bytes for a page of 100 papers: is HF_ENDPOINT right?",
        ),
    ],
    ids=["nested", "a huge integer", "4 MB of objects", "30 MB of objects"],
)
def test_a_body_made_to_stop_its_reader_is_refused_with_a_sentence(body: bytes, message: str):
    with (
        speaking(lambda _: served(body)) as speaker,
        pytest.raises(FeedError, match=re.escape(message)),
    ):
        FeedClient(speaker.url, session(retries=0)).fetch(DAY)


def test_an_entry_made_to_stop_its_reader_is_set_aside_and_costs_no_other():
    good = entry("2603.10001")
    bad = [
        entry("2603.10002", authors=[{}] * 1_000_000),
        entry("2603.10003", upvotes=10**30),
        entry("x" * 1_000_000),
    ]
    rows, set_aside = feed.listing(responses([*bad, good]), DAY)
    assert [row.arxiv_id for row in rows] == ["2603.10001"]
    assert [(entry.arxiv_id, entry.reason) for entry in set_aside] == [
        ("2603.10002", "paper.authors.0.name: Field required"),
        ("2603.10003", "paper.upvotes: Input should be less than or equal to 1000000000"),
        (None, f"paper.id: Value error, '{'x' * 40}' is not an arXiv id"),
    ]


def test_of_a_key_given_twice_the_last_counts():
    body = json.dumps([entry("2603.10001")]).replace('"upvotes"', '"upvotes": 1, "upvotes"')
    (row,) = feed.votes([FeedResponse(fetched_at=MORNING, page=0, body=body)], DAY)
    assert row.upvotes == 7


def test_a_redirect_on_the_same_host_is_followed_with_the_token(outside: Outside):
    outside.list("2026-03-02", [entry("2603.10001")])
    elsewhere = f"{outside.url}/api/daily_papers?date=2026-03-02&limit=100&p=0&moved"
    outside.world.faults.append(Fault("daily_papers", 307, headers={"Location": elsewhere}))
    asked = []
    http = session(retries=0)
    http.hooks["response"].append(
        lambda answer, **_: asked.append(answer.request.headers.get("Authorization"))
    )
    bodies = FeedClient(outside.url, http, token="hf_secret").fetch(DAY)
    assert [len(json.loads(body)) for body in bodies] == [1]
    assert asked == ["Bearer hf_secret"] * 2


def test_a_redirect_to_another_host_is_not_followed(outside: Outside):
    with speaking(lambda _: [b"HTTP/1.1 200 OK\r\n\r\n[]"]) as other:
        location = f"{other.url}/api/daily_papers"
        outside.world.faults.append(Fault("daily_papers", 302, headers={"Location": location}))
        with pytest.raises(FeedError, match="which is another host: if that is right, set HF_ENDP"):
            client(outside).fetch(DAY)
        assert other.requests == []


def test_a_redirect_loop_ends(outside: Outside):
    location = "/api/daily_papers?again"
    outside.world.faults.append(Fault("daily_papers", 302, headers={"Location": location}, times=9))
    with pytest.raises(FeedError, match="redirects more than 5 times"):
        client(outside).fetch(DAY)


def test_an_unreachable_endpoint_is_named():
    dead = FeedClient("http://127.0.0.1:9", session(retries=0))
    with pytest.raises(
        FeedError, match=r"http://127\.0\.0\.1:9/api/daily_papers cannot be reached .*refused"
    ):
        dead.fetch(DAY)


def test_retry_after_is_honoured(outside: Outside):
    outside.list("2026-03-02", [entry("2603.10001")])
    outside.world.faults.append(Fault("daily_papers", 429, "", {"Retry-After": "1"}, times=1))
    started = datetime.now(UTC)
    assert len(client(outside).fetch(DAY)) == 1
    assert datetime.now(UTC) - started >= timedelta(seconds=1)


def test_a_lasting_429_says_how_long_to_wait(outside: Outside):
    outside.world.faults.append(Fault("daily_papers", 429, "", {"Retry-After": "1"}, times=9))
    with pytest.raises(FeedError, match="429 after all retries: it asks to wait for 1 s"):
        FeedClient(outside.url, session(retries=1)).fetch(DAY)


def test_newlines_fold_and_absent_keys_are_none():
    rows, set_aside = feed.listing(
        responses([entry("2603.10001", title="Long\n  Title", summary="One\ntwo.")]), DAY
    )
    paper = rows[0]
    assert (paper.title, paper.abstract) == ("Long Title", "One two.")
    assert (
        paper.code_url
        is paper.project_url
        is paper.organization
        is paper.ai_summary
        is paper.withdrawn_at
        is None
    )
    assert (paper.ai_keywords, paper.media_urls, set_aside) == ([], [], [])
    assert paper.submitted_at == datetime(2026, 3, 2, tzinfo=UTC)


def test_control_characters_and_lone_surrogates_are_dropped():
    media = ["https://example.org/a\x1f.mp4"]
    odd = entry("2603.10001", title="A\x00 \u202ebell\u2069\x07 and half", mediaUrls=media)
    body = json.dumps([odd]).replace("half", "half \\ud83d")
    rows, _ = feed.listing([FeedResponse(fetched_at=MORNING, page=0, body=body)], DAY)
    assert rows[0].title == "A bell and half"
    assert rows[0].media_urls == ["https://example.org/a.mp4"]


def test_every_key_of_a_full_entry_is_read():
    full = entry(
        "2603.10001",
        ai_summary="Short.",
        ai_summary_model="some/model",
        ai_keywords=["one", "two"],
        githubRepo="https://github.com/a/b",
        githubStars=12,
        projectPage="https://a.example",
        organization={"_id": "2" * 24, "name": "eth", "fullname": "ETH Zürich"},
        mediaUrls=["https://a.example/v.mp4"],
    )
    rows, _ = feed.listing(responses([full]), DAY)
    votes = feed.votes(responses([full]), DAY)
    assert rows[0].model_dump(
        exclude={"first_seen_at", "gone_at", "abstract", "published_at", "submitted_at"}
    ) == {
        "arxiv_id": "2603.10001",
        "title": "A Study of 2603.10001",
        "authors": ["Ada Example"],
        "withdrawn_at": None,
        "organization": "ETH Zürich",
        "code_url": "https://github.com/a/b",
        "project_url": "https://a.example",
        "thumbnail": "https://cdn-thumbnails.huggingface.co/social-thumbnails/papers/2603.10001.png",
        "media_urls": ["https://a.example/v.mp4"],
        "ai_summary": "Short.",
        "ai_summary_model": "some/model",
        "ai_keywords": ["one", "two"],
        "status": "listed",
    }
    assert votes[0].model_dump() == {
        "arxiv_id": "2603.10001",
        "upvotes": 7,
        "comments": 2,
        "github_stars": 12,
    }


def test_a_bad_entry_is_set_aside_with_its_field_and_its_paper():
    rows, set_aside = feed.listing(
        responses([entry("2603.10001"), entry("2603.10002", summary=None), "noise"]), DAY
    )
    assert [row.arxiv_id for row in rows] == ["2603.10001"]
    first = set_aside[0]
    assert (first.place, first.arxiv_id, first.reason) == (
        2,
        "2603.10002",
        "paper.summary: Field required",
    )
    assert (set_aside[1].place, set_aside[1].arxiv_id) == (3, None)


def test_an_entry_with_another_id_is_set_aside():
    _, set_aside = feed.listing(responses([entry("2603.10001"), entry("../etc/passwd")]), DAY)
    assert set_aside[0].reason == "paper.id: Value error, '../etc/passwd' is not an arXiv id"


def test_a_list_without_a_readable_entry_is_a_changed_format():
    renamed = [entry(f"2603.1000{n}", upvotes=None) for n in range(3)]
    with pytest.raises(
        FeedError,
        match=r"none of 3 entries can be read; the first, 2603\.10000: paper\.upvotes: Fie",
    ):
        feed.listing(responses(renamed), DAY)


def test_an_unreadable_response_stops_the_day_until_the_next_one():
    """Every response stays stored, and one that stopped the day would stop it for ever."""
    good, better = [entry("2603.10001")], [entry("2603.10001", upvotes=9), entry("2603.10002")]
    for lists in (([[]], better), (good, [[]], better), (good, [[]], [[]], better)):
        papers, set_aside = feed.listing(responses(*lists), DAY)
        assert [(paper.arxiv_id, paper.status) for paper in papers] == [
            ("2603.10001", "listed"),
            ("2603.10002", "listed"),
        ]
        assert set_aside == []
        assert feed.votes(responses(*lists), DAY)[0].upvotes == 9
    for read in (feed.listing, feed.votes):
        with pytest.raises(FeedError, match="none of 1 entries can be read"):
            read(responses(good, [[]]), DAY)


def test_a_paper_on_two_pages_of_a_growing_list_is_one_row():
    bodies = [
        json.dumps([entry("2603.10001")]),
        json.dumps([entry("2603.10001"), entry("2603.10002")]),
    ]
    rows, _ = feed.listing(feed.kept_responses([], bodies, MORNING), DAY)
    assert [row.arxiv_id for row in rows] == ["2603.10001", "2603.10002"]


def test_a_list_that_grows_and_shrinks_keeps_rows_and_first_times():
    one, two, three = entry("2603.10001"), entry("2603.10002"), entry("2603.10003")
    kept = responses([one, two], [one, two, three], [one, three], [one, two, three])
    at = [MORNING + timedelta(hours=hour) for hour in range(4)]

    def seen(number: int):
        rows, _ = feed.listing(
            [response for response in kept if response.fetched_at <= at[number - 1]], DAY
        )
        return [(row.arxiv_id[-1], row.status, row.first_seen_at, row.gone_at) for row in rows]

    assert seen(1) == [("1", "listed", at[0], None), ("2", "listed", at[0], None)]
    assert seen(3) == [
        ("1", "listed", at[0], None),
        ("2", "gone", at[0], at[2]),
        ("3", "listed", at[1], None),
    ]
    assert seen(4)[1] == ("2", "listed", at[0], None)


def test_an_entry_that_becomes_unreadable_keeps_its_row_and_stays_listed():
    rows, set_aside = feed.listing(
        responses(
            [entry("2603.10001"), entry("2603.10002")],
            [entry("2603.10001"), entry("2603.10002", title=None)],
        ),
        DAY,
    )
    assert [(row.arxiv_id, row.status) for row in rows] == [
        ("2603.10001", "listed"),
        ("2603.10002", "listed"),
    ]
    assert set_aside[0].arxiv_id == "2603.10002"


def test_a_withdrawn_paper_stays_withdrawn_when_it_leaves_the_list():
    withdrawn = entry("2603.10002", withdrawnAt="2026-03-03T15:20:00.000Z")
    rows, _ = feed.listing(responses([entry("2603.10001"), withdrawn], [entry("2603.10001")]), DAY)
    assert rows[1].status == "withdrawn"
    assert rows[1].withdrawn_at == datetime(2026, 3, 3, 15, 20, tzinfo=UTC)


def test_only_a_different_response_is_kept():
    first, second = [entry("2603.10001")], [entry("2603.10001", upvotes=8)]
    assert len(responses(first, first)) == 1
    assert len(responses(first, second, second)) == 2
    assert len(responses(first, second, first)) == 3
