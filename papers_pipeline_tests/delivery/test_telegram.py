"""Telegram gets a post a day and language, edited in place, split between papers, harmless."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from papers_pipeline.delivery import telegram
from papers_pipeline.delivery.telegram import Telegram
from papers_pipeline.records import DailyIssue
from papers_pipeline.sandbox.server import running
from papers_pipeline.sandbox.telegram import visible_text
from papers_pipeline.sandbox.world import Fault, World
from papers_pipeline_tests.helpers.delivering import SITE, Desk, Killed
from papers_pipeline_tests.helpers.pages import DAY, HOSTILE, issue, paper, shown_as, written

CHATS = {"ru": "@papers_ru", "en": "@papers_en", "zh": "-1001234567890"}
TOKEN = "12345:s3cret"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    world = World()
    with running(world) as url:
        yield Desk(tmp_path, Telegram(url, TOKEN, CHATS), world)


@pytest.fixture
def english(desk: Desk) -> Desk:
    desk.channel = Telegram(desk.channel.endpoint, TOKEN, {"en": "@papers_en"})
    return desk


def too_many(wait_seconds: int) -> Fault:
    body = {
        "ok": False,
        "error_code": 429,
        "description": f"Too Many Requests: retry after {wait_seconds}",
        "parameters": {"retry_after": wait_seconds},
    }
    return Fault("sendMessage", 429, json.dumps(body))


def test_each_language_has_its_post_in_its_chat(desk: Desk):
    report = desk.deliver(issue(paper(), paper("2502.00002", upvotes=1)))
    assert (report.sent, report.is_fine) == (3, True)
    shown = {post.chat: shown_as(visible_text(post.text)) for post in desk.world.posts}
    assert shown == {
        "@papers_ru": "Статьи дня четверг, 6 февраля 2025 г. · 2 статьи "
        "🌉 Мосты учатся считать ветер Авторы показывают, как мост из датчиков предсказывает "
        "порывы. 21 голос 🌉 Мосты учатся считать ветер Авторы показывают, как мост из датчиков "
        "предсказывает порывы. 1 голос",
        "@papers_en": "Papers of the Day Thursday, February 6, 2025 · 2 papers "
        "🌉 Bridges learn to count the wind The authors show how a bridge of sensors foresees "
        "gusts. 21 upvotes 🌉 Bridges learn to count the wind The authors show how a bridge of "
        "sensors foresees gusts. 1 upvote",
        "-1001234567890": "每日论文 2025年2月6日星期四 · 2 篇论文 "
        "🌉 桥梁学会计算风 作者展示了一座布满传感器的桥梁如何预测阵风。 21 票 "
        "🌉 桥梁学会计算风 作者展示了一座布满传感器的桥梁如何预测阵风。 1 票",
    }
    english = next(post.text for post in desk.world.posts if post.chat == "@papers_en")
    assert f'<a href="{SITE}/en/d/2025-02-06.html">' in english
    assert f'<a href="{SITE}/en/p/2502.00001.html">Bridges learn' in english


def test_a_grown_day_edits_its_post_and_the_same_day_does_nothing(english: Desk):
    english.clock.moment = datetime(2025, 2, 6, 9, tzinfo=UTC)
    english.deliver(issue(paper(), state="open"))
    report = english.deliver(issue(paper(), paper("2502.00002"), state="open"))
    assert (report.sent, report.edited) == (0, 1)
    report = english.deliver(issue(paper(), paper("2502.00002"), state="open"))
    assert (report.sent, report.edited, report.unchanged) == (0, 0, 1)
    (post,) = english.world.posts
    assert [version.count("Bridges") for version in post.versions] == [1, 2]
    assert "This day is not over" in post.text or "24:00 UTC" in post.text
    english.deliver(issue(paper(), paper("2502.00002")))
    assert "24:00 UTC" not in post.text
    assert english.world.asked["telegram sendMessage"] == 1


def long_day(papers: int, title: str) -> DailyIssue:
    text = written("en").model_copy(update={"title": title})
    listed = []
    for number in range(papers):
        arxiv_id = f"2502.{10000 + number}"
        listed.append(paper(arxiv_id, upvotes=90 - number, summaries={"en": text}))
    return issue(*listed)


@pytest.mark.parametrize(
    ("title", "papers"),
    [("Short", [32, 28]), ("A title of many words that takes its place 🌉 " * 4, [17, 17, 17, 9])],
)
def test_a_long_day_is_split_between_papers_within_both_limits(
    english: Desk, title: str, papers: list[int]
):
    """A message has 4096 characters and a hundred links and emphases."""
    report = english.deliver(long_day(60, title))
    texts = [visible_text(post) for post in english.posts]
    assert report.sent == len(texts) == len(papers)
    assert [text.count(" upvotes") for text in texts] == papers
    assert all(len(text.encode("utf-16-le")) // 2 <= 4096 for text in texts)
    assert all(len(re.findall("<[abi]>|<a ", post)) <= 100 for post in english.posts)
    assert all(text.endswith(" upvotes") for text in texts)
    assert texts[1].startswith("Papers of the Day · 2\n\n🌉")


def test_a_day_that_became_shorter_loses_its_last_post(english: Desk):
    papers = [paper(f"2502.{10000 + number}") for number in range(60)]
    english.deliver(issue(*papers))
    english.deliver(issue(*papers[:10]))
    assert len(english.posts) == 1
    assert [row.state for row in english.rows] == ["sent"]
    english.deliver(issue(*papers))
    assert len(english.posts) == 2


def test_hostile_texts_are_only_texts(english: Desk):
    title = f"{HOSTILE}\r\n</b> &lt;b&gt; \N{RIGHT-TO-LEFT OVERRIDE}evil </a><b>"
    text = written("en").model_copy(update={"title": title, "text": "<i>1 < 2 & 3</b>. So it is."})
    report = english.deliver(issue(paper(summaries={"en": text}, emoji="<b>")))
    assert report.sent == 1
    shown = visible_text(english.posts[0])
    assert "<script>alert(1)</script>" in shown
    assert "</b> &lt;b&gt; evil" in shown
    assert "\n<i>1 < 2 & 3</b>." in shown
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in english.posts[0]
    assert len(shown.splitlines()) == 6


def test_the_pause_that_telegram_asks_for_is_kept(english: Desk, monkeypatch):
    pauses: list[float] = []
    monkeypatch.setattr(telegram.time, "sleep", pauses.append)
    english.world.faults = [too_many(7), too_many(3)]
    assert english.deliver(issue(paper())).sent == 1
    assert pauses == [7, 3]
    assert len(english.posts) == 1


def test_a_long_pause_is_left_to_the_next_build(english: Desk):
    english.world.faults = [too_many(3600)]
    report = english.deliver(issue(paper()))
    assert report.failures == ["en: Telegram asks to wait 3600 s"]
    assert english.rows == []
    assert english.deliver(issue(paper())).sent == 1


def test_a_refused_post_is_sent_by_the_next_build(english: Desk):
    body = '{"ok": false, "error_code": 403, "description": "Forbidden: bot was kicked"}'
    english.world.faults = [Fault("sendMessage", 403, body)]
    report = english.deliver(issue(paper()))
    (failure,) = report.failures
    assert failure.endswith("Telegram answered 403: Forbidden: bot was kicked")
    assert [row.state for row in english.rows] == ["refused"]
    assert english.deliver(issue(paper())).sent == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault("sendMessage", cut_after=0),
        Fault("sendMessage", 502),
        Fault("sendMessage", 200, "<html>a proxy</html>"),
    ],
)
def test_a_post_that_may_have_gone_out_is_not_sent_again_by_itself(english: Desk, fault: Fault):
    english.world.faults = [fault]
    report = english.deliver(issue(paper()))
    sent = len(english.posts)
    (row,) = english.rows
    (doubt,) = report.doubts
    command = f"--language en --only {row.key} --again"
    assert f"papers deliver --channel telegram --date {DAY} {command}" in doubt
    assert TOKEN not in doubt
    assert english.deliver(issue(paper())).doubts
    assert len(english.posts) == sent
    assert english.deliver(issue(paper()), again=True, only=[row.key]).sent == 1
    assert english.deliver(issue(paper())).is_fine
    assert len(english.posts) == sent + 1


def test_a_sender_killed_after_the_post_sends_once(english: Desk, monkeypatch):
    send = telegram._Bot.send

    def send_and_die(bot, message):
        send(bot, message)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(telegram._Bot, "send", send_and_die)
        with pytest.raises(Killed):
            english.deliver(issue(paper()))
    report = english.deliver(issue(paper()))
    assert (report.sent, len(report.doubts), len(english.posts)) == (0, 1, 1)
    assert "its sender ended before it knew" in report.doubts[0]


def test_a_post_deleted_by_hand_stays_deleted(english: Desk):
    english.deliver(issue(paper()))
    english.world.posts[0].is_deleted = True
    report = english.deliver(issue(paper(), paper("2502.00002")))
    assert report.is_fine
    assert english.posts == []


def test_an_edit_that_fails_is_made_again(english: Desk):
    english.deliver(issue(paper()))
    grown = issue(paper(), paper("2502.00002"))
    english.world.faults = [Fault("editMessageText", 502)]
    assert english.deliver(grown).failures
    assert english.deliver(grown).edited == 1


def test_nobody_there_is_told_without_the_token(tmp_path: Path):
    desk = Desk(tmp_path, Telegram("http://127.0.0.1:9", TOKEN, {"en": "@papers_en"}), World())
    report = desk.deliver(issue(paper()))
    assert report.failures == ["en: Telegram cannot be reached: ConnectionError"]
    assert desk.rows == []
    assert TOKEN not in repr(desk.channel)


def test_again_posts_anew(english: Desk):
    english.deliver(issue(paper()))
    assert english.deliver(issue(paper()), again=True).sent == 1
    assert len(english.posts) == 2
