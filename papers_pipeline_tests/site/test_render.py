"""Pages are valid and safe, show the record as it is, and say where each text comes from."""

import gzip
import re
from datetime import date
from typing import get_args

import pytest
from jinja2 import UndefinedError

from benchmarks.generated import issues
from papers_pipeline.defs.schedules import today_every_two_hours
from papers_pipeline.records import (
    FailureReason,
    Figure,
    IssueAuthor,
    IssueReadingTask,
    IssueText,
    IssueTopics,
    PendingReason,
    ReadingSentence,
    ReadingWord,
)
from papers_pipeline.site.parts.reading_pages import reading_page
from papers_pipeline.site.render import static_files
from papers_pipeline_tests.helpers.pages import (
    DAY,
    HOSTILE,
    LANGUAGES,
    LOCALES,
    SEEN,
    WRITTEN,
    XHTML,
    elements,
    every_case,
    issue,
    links,
    paper,
    parsed,
    renderer,
    shown,
    shown_as,
    text_of,
    written,
)

MARKS = {
    "ru": "Не проверено: в названии и аннотации статьи нет 2,5, <GPT-5> или 97 %.",
    "en": "Unverified: the paper’s title and abstract do not mention 2,5, <GPT-5>, or 97%.",
    "zh": "未经核实：论文标题和摘要中没有 2,5、<GPT-5>或97%。",
}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_is_unverified_is_named_beside_its_text(lang):
    text = written(lang).model_copy(update={"unverified": ["2,5", "<GPT-5>", "97%"]})
    html = renderer().day_page(issue(paper(summaries={lang: text}), paper("2502.00002")), lang)
    (mark,) = (each for each in elements(html, "p") if each.get("class") == "unverified")
    assert text_of(mark) == MARKS[lang]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_is_unverified_in_a_reading_task_is_named_below_it(lang):
    task = IssueReadingTask(
        arxiv_id="2502.00001",
        title="Sensor Bridges Foresee Gusts",
        state="done",
        sentences=[ReadingSentence(text="桥很聪明。", words=[ReadingWord(text="桥很聪明。")])],
        model="windy-1",
        prompt_version="abc123",
        created_at=SEEN,
        unverified=["2,5", "<GPT-5>", "97%"],
    )
    html = reading_page(renderer(), issue(paper()), task, lang)
    (mark,) = (each for each in elements(html, "p") if each.get("class") == "unverified")
    assert text_of(mark) == MARKS[lang]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_pages_are_valid_html_in_their_language(lang):
    pages = renderer()
    for page in (
        pages.day_page(every_case(previous=date(2025, 2, 5), next=date(2025, 2, 7)), lang),
        pages.day_page(issue(paper(title=HOSTILE, abstract=HOSTILE)), lang),
        pages.day_page(issue(state="quiet"), lang),
        pages.language_index(every_case(), lang),
        pages.language_index(None, lang),
    ):
        (html,) = elements(page, "html")
        assert html.get("lang") == LOCALES[lang].html
        assert page.startswith("<!doctype html>")
        assert len(elements(page, "h1")) == 1
        assert all(text_of(title) for title in elements(page, "title"))
        identifiers = [element.get("id") for element in parsed(page).iter() if element.get("id")]
        assert len(identifiers) == len(set(identifiers))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_articles_are_the_papers_of_the_record_in_its_order(lang):
    day = every_case()
    articles = elements(renderer().day_page(day, lang), "article")
    assert [article.get("data-arxiv-id") for article in articles] == [
        item.arxiv_id for item in day.papers
    ]
    assert [article.get("id") for article in articles] == [
        f"p-{item.arxiv_id}" for item in day.papers
    ]
    assert articles[0].get("data-topics") == "rl small_models"
    assert articles[7].get("data-topics") == ""


@pytest.mark.parametrize("lang", LANGUAGES)
def test_text_is_whole_and_readable_without_scripts(lang):
    page = renderer().day_page(issue(paper()), lang)
    title, text = WRITTEN[lang]
    assert text in [text_of(paragraph) for paragraph in elements(page, "p")]
    assert [text_of(heading) for heading in elements(page, "h2")] == [f"🌉 {title}"]
    assert "Sensor Bridges Foresee Gusts" in shown(page)


def test_hostile_strings_come_out_as_text():
    hostile = paper(
        title=HOSTILE,
        abstract=HOSTILE,
        authors=[IssueAuthor(name=HOSTILE)],
        institutions=[HOSTILE],
        topics=IssueTopics(names=[HOSTILE], source="model"),
        emoji=HOSTILE,
        figures=[Figure(url="https://arxiv.org/x.png", caption=HOSTILE)],
        summaries={
            "ru": IssueText(state="failed", reason=HOSTILE),
            "en": IssueText(
                state="done", source="model", title=HOSTILE, text=HOSTILE, model=HOSTILE
            ),
        },
    )
    for lang in LANGUAGES:
        page = renderer().day_page(issue(hostile, paper("2502.00002")), lang)
        assert shown(page).count("<script>alert(1)</script> {{ 7*7 }}") >= 5
        assert [script.get("src") for script in elements(page, "script")] == [
            "../../static/site.js",
            "../../static/kept.js",
            "../../static/filter.js",
        ]
        assert [image.get("src") for image in elements(page, "img")] == ["https://arxiv.org/x.png"]
        assert [
            name
            for element in parsed(page).iter()
            for name in element.attrib
            if name.startswith("on")
        ] == []


def test_characters_that_html_forbids_are_left_out():
    page = renderer().day_page(
        issue(paper(title="A\x00 b\x0bad \ud800title\ufffe", summaries={})), "en"
    )
    assert [text_of(heading) for heading in elements(page, "h2")] == ["🌉 A bad title"]
    page.encode()


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        " javascript:alert(1)",
        "data:text/html,x",
        "//example.org",
        "ftp://example.org",
        "http://[bad",
    ],
)
def test_only_web_addresses_are_linked(url):
    odd = paper(
        url=url,
        pdf_url=url,
        code_url=url,
        project_url=url,
        thumbnail=url,
        figures=[Figure(url=url, caption="c")],
    )
    found = links(renderer().day_page(issue(odd), "en"))
    assert [link for link in found if link == url and not url.startswith("http")] == []
    assert elements(renderer().day_page(issue(odd), "en"), "img") == []


def test_links_of_a_paper():
    page = renderer().day_page(
        issue(paper(code_url="https://example.org/code", project_url="http://example.org/project")),
        "en",
    )
    assert [link for link in links(page) if link.startswith("http")] == [
        "https://arxiv.org/abs/2502.00001",
        "https://arxiv.org/pdf/2502.00001",
        "https://example.org/code",
        "http://example.org/project",
        "https://huggingface.co/papers/2502.00001",
    ]


def test_pictures_come_from_the_allowed_origins_only_and_do_not_make_the_page_jump():
    thumbnail = "https://cdn-thumbnails.huggingface.co/social-thumbnails/papers/2502.00001.png"
    figures = [
        Figure(url="https://arxiv.org/html/x1.png"),
        Figure(url="https://tracker.example/x2.png"),
    ]
    page = renderer().day_page(issue(paper(thumbnail=thumbnail, figures=figures)), "en")
    images = elements(page, "img")
    assert sorted(image.get("src") for image in images) == [
        "https://arxiv.org/html/x1.png",
        thumbnail,
    ]
    for image in images:
        assert image.get("loading") == "lazy"
        assert int(image.get("width")) > 0
        assert int(image.get("height")) > 0
    assert [
        meta.get("content") for meta in elements(page, "meta") if meta.get("name") == "referrer"
    ] == ["no-referrer"]
    (policy,) = [meta.get("content") for meta in elements(page, "meta") if meta.get("http-equiv")]
    assert "default-src 'none'" in policy
    assert (
        "img-src 'self' https://cdn-thumbnails.huggingface.co https://arxiv.org https://export.arxiv.org;"
        in policy
    )
    assert "unsafe" not in policy


def test_day_shows_the_first_figures_with_short_captions_and_counts_the_rest():
    figures = [
        Figure(url=f"https://arxiv.org/html/x{number}.png", caption="wind " * 100)
        for number in range(1, 10)
    ]
    page = renderer().day_page(issue(paper(figures=figures)), "en")
    assert [image.get("src") for image in elements(page, "img")] == [
        figure.url for figure in figures[:4]
    ]
    assert {text_of(caption) for caption in elements(page, "figcaption")} == {
        "wind " * 30 + "wind…"
    }
    assert "9 figures" in shown(page)
    assert "and 5 more figures in the paper" in shown(page)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_nothing_is_inline(lang):
    page = renderer().day_page(every_case(), lang)
    assert elements(page, "style") == []
    assert [element.tag for element in parsed(page).iter() if element.get("style")] == []
    assert [script.text for script in elements(page, "script") if script.text] == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_links_inside_the_site_are_relative_and_nothing_is_absolute_without_a_site_url(lang):
    pages = renderer()
    for page in (
        pages.day_page(every_case(previous=DAY), lang),
        pages.language_index(every_case(), lang),
        pages.root_index(),
    ):
        outside = (
            "https://arxiv.org/",
            "https://huggingface.co/papers/",
            "https://cdn-thumbnails.huggingface.co/",
        )
        inside = [link for link in links(page) if not link.startswith(outside)]
        assert [link for link in inside if "://" in link or link.startswith("/")] == []
        assert {link.get("rel") for link in elements(page, "link")} <= {
            "icon",
            "stylesheet",
            "prev",
            "next",
        }


def test_links_lead_to_the_same_page_in_every_language():
    page = renderer().day_page(issue(paper()), "ru")
    (switch,) = [nav for nav in elements(page, "nav") if nav.get("class") == "languages"]
    for lang, link in zip(LANGUAGES, switch.iter(XHTML + "a"), strict=True):
        assert link.get("href") == f"../../{lang}/d/2025-02-06.html"
        assert link.get("hreflang") == LOCALES[lang].html
        assert link.get("aria-current") == ("page" if lang == "ru" else None)
    index = renderer().language_index(issue(paper()), "ru")
    assert "../en/index.html" in links(index)
    assert "../static/site.css" in links(index)
    assert "../ru/d/2025-02-06.html" in links(index)


def test_neighbouring_days_are_linked_when_given():
    page = renderer().day_page(
        issue(paper(), previous=date(2025, 2, 5), next=date(2025, 2, 7)), "en"
    )
    assert {"../../en/d/2025-02-05.html", "../../en/d/2025-02-07.html"} <= set(links(page))
    alone = renderer().day_page(issue(paper()), "en")
    assert [link for link in links(alone) if "/d/" in link and "2025-02-06" not in link] == []


def test_a_day_leads_to_its_month_and_week():
    for lang, words in (
        ("ru", "Март 2026 · 10-я неделя"),
        ("en", "March 2026 · Week 10"),
        ("zh", "2026年3月 · 第10周"),
    ):
        page = renderer().day_page(
            issue(paper()).model_copy(update={"date": date(2026, 3, 2)}), lang
        )
        (whole,) = [nav for nav in elements(page, "nav") if nav.get("class") == "whole"]
        assert text_of(whole) == words
        assert [a.get("href") for a in whole.iter(XHTML + "a")] == [
            f"../../{lang}/m/2026-03.html",
            f"../../{lang}/w/2026-W10.html",
        ]
    turn = renderer().day_page(issue(paper()).model_copy(update={"date": date(2027, 1, 1)}), "en")
    assert {"../../en/m/2027-01.html", "../../en/w/2026-W53.html"} <= set(links(turn))


def test_site_url_adds_canonical_and_alternates():
    pages = renderer("https://digest.example/papers/")
    for page, path in (
        (pages.day_page(issue(paper()), "zh"), "d/2025-02-06.html"),
        (pages.language_index(None, "zh"), "index.html"),
    ):
        head = [
            (link.get("rel"), link.get("hreflang"), link.get("href"))
            for link in elements(page, "link")
        ]
        assert ("canonical", None, f"https://digest.example/papers/zh/{path}") in head
        alternates = []
        for lang in LANGUAGES:
            url = f"https://digest.example/papers/{lang}/{path}"
            alternates.append(("alternate", LOCALES[lang].html, url))
        feed = ("alternate", None, "../" * (path.count("/") + 1) + "zh/feed.xml")
        assert [entry for entry in head if entry[0] == "alternate"] == [*alternates, feed]


@pytest.mark.parametrize(
    ("lang", "note"),
    [
        ("ru", "Текст написала модель windy-1 (6 февр. 2025 г., промпт abc123)."),
        ("en", "Written by windy-1 on Feb 6, 2025, prompt abc123."),
        ("zh", "以上简介由 windy-1 撰写（2025年2月6日，提示词版本 abc123）。"),
    ],
)
def test_text_says_which_model_wrote_it_when_and_by_which_prompt(lang, note):
    assert note in shown(renderer().day_page(issue(paper()), lang))


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("state", ["pending", "failed"])
def test_missing_text_says_so_with_its_reason_and_shows_the_abstract(lang, state):
    reason = "budget" if state == "pending" else "refused"
    text = IssueText(state=state, reason=reason)
    page = renderer().day_page(issue(paper(summaries={lang: text})), lang)
    words = shown(page)
    locale = LOCALES[lang]
    assert locale.text(f"{state}.{reason}") in words
    assert LOCALES[lang].text("text.abstract") in words
    assert words.count("We instrument an invented bridge") == 1
    assert [text_of(heading) for heading in elements(page, "h2")] == [
        "🌉 Sensor Bridges Foresee Gusts"
    ]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_language_that_the_record_lacks_is_pending(lang):
    assert LOCALES[lang].text("pending.not_built") in shown(
        renderer().day_page(issue(paper(summaries={})), lang)
    )


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("reason", get_args(PendingReason))
def test_every_reason_to_be_pending_is_explained(lang, reason):
    assert LOCALES[lang].text(f"pending.{reason}")


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("reason", ["no_text", None])
def test_an_unknown_reason_to_be_pending_is_explained_as_not_built(lang, reason):
    text = IssueText(state="pending", reason=reason)
    words = shown(renderer().day_page(issue(paper(summaries={lang: text})), lang))
    assert LOCALES[lang].text("pending.not_built") in words


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("reason", get_args(FailureReason))
def test_every_reason_to_fail_is_explained(lang, reason):
    text = IssueText(state="failed", reason=reason)
    words = shown(renderer().day_page(issue(paper(summaries={lang: text})), lang))
    assert LOCALES[lang].text(f"failed.{reason}") in words


def test_sentences_of_a_chinese_note_stand_without_a_blank():
    text = IssueText(state="failed", reason="refused")
    words = shown(renderer().day_page(issue(paper(summaries={"zh": text})), "zh"))
    assert LOCALES["zh"].text("text.abstract") + LOCALES["zh"].text("failed.refused") in words


@pytest.mark.parametrize("lang", LANGUAGES)
def test_stand_ins_are_named(lang):
    ai_summary = IssueText(
        state="pending",
        reason="no_provider",
        source="hf_ai_summary",
        text="A short AI text.",
        model="hf-mini",
    )
    locale = LOCALES[lang]
    words = shown(
        renderer().day_page(
            issue(
                paper(
                    summaries={lang: ai_summary},
                    topics=IssueTopics(names=["cv"], source="keywords"),
                    institutions_source="hf_organization",
                )
            ),
            lang,
        )
    )
    assert "A short AI text." in words
    assert locale.text("text.hf_ai_summary_model", model="hf-mini") in words
    assert locale.text("pending.no_provider") in words
    assert locale.text("paper.topics_keywords") in words
    assert locale.text("paper.institutions_hf") in words


@pytest.mark.parametrize("lang", LANGUAGES)
def test_empty_abstract_says_so(lang):
    said = LOCALES[lang].text("paper.no_abstract")
    assert said in shown(renderer().day_page(issue(paper(abstract="", summaries={})), lang))
    assert said in shown(renderer().day_page(issue(paper(abstract="")), lang))


def test_english_parts_of_other_pages_are_marked():
    def marked(lang: str) -> set[str]:
        page = renderer().day_page(issue(paper()), lang)
        return {text_of(element) for element in elements(page, "p") if element.get("lang") == "en"}

    for lang in ("ru", "zh"):
        assert {
            "Sensor Bridges Foresee Gusts",
            "We instrument an invented bridge and predict the wind.",
        } <= marked(lang)
    assert marked("en") == set()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_fate_of_a_paper_is_marked(lang):
    locale, page = LOCALES[lang], renderer().day_page(every_case(), lang)
    marks = [text_of(element) for element in elements(page, "p") if element.get("class") == "mark"]
    assert marks == [
        shown_as(locale.text("paper.withdrawn", date=locale.short_date(DAY))),
        shown_as(f"{locale.text('paper.moved')} {locale.short_date(date(2025, 2, 7))}"),
        shown_as(locale.text("paper.gone")),
    ]
    assert [link for link in links(page) if "/d/2025-02-0" in link and "#" in link] == [
        f"../../{lang}/d/2025-02-07.html#p-2502.00006",
        f"../../{lang}/d/2025-02-05.html#p-2502.00006",
    ]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("state", ["open", "quiet", "stalled", "shrunk", "failed"])
def test_an_unusual_state_of_the_list_is_explained(lang, state):
    said = LOCALES[lang].text(f"state.{state}")
    assert said in shown(renderer().day_page(issue(state="listed", list_state=state), lang))
    assert said not in shown(
        renderer().day_page(issue(paper(), state=state, list_state="listed"), lang)
    )


def test_every_author_is_on_the_page_and_the_first_eight_are_in_the_open():
    many = paper(authors=[IssueAuthor(name=f"Author {number}") for number in range(1, 665)])
    page = renderer().day_page(issue(many), "ru")
    (fold,) = [details for details in elements(page, "details") if details.get("class") == "names"]
    assert text_of(fold).startswith("и ещё 656 авторов Author 9, Author 10,")
    assert text_of(fold).endswith("Author 664")
    assert "Author 7, Author 8" in shown(page)


@pytest.mark.parametrize(
    ("count", "votes"),
    [
        (1, "1 голос на Hugging Face"),
        (2, "2 голоса на Hugging Face"),
        (25, "25 голосов на Hugging Face"),
    ],
)
def test_votes_are_read_out_with_their_noun(count, votes):
    assert votes in shown(renderer().day_page(issue(paper(upvotes=count)), "ru"))


def test_a_paper_leads_to_its_own_page_and_those_of_its_topics_and_institutions():
    page = renderer().day_page(issue(paper()), "en")
    assert [link for link in links(page) if re.search("/[pti]/", link) and "://" not in link] == [
        "../../en/p/2502.00001.html",
        "../../en/i/institute-of-invented-bridges.html",
        "../../en/p/2502.00001.html",
        "../../en/t/rl.html",
        "../../en/t/small_models.html",
    ]


def test_an_article_carries_what_it_is_filtered_and_sorted_by():
    one = paper(
        institutions=["Universit\u00e9 d'\u00c9t\u00e9", "UNIVERSITE D'ETE"], published_at=SEEN
    )
    (article, other) = elements(
        renderer().day_page(issue(one, paper("2502.00002")), "en"), "article"
    )
    assert {key: value for key, value in article.attrib.items() if key.startswith("data-")} == {
        "data-arxiv-id": "2502.00001",
        "data-topics": "rl small_models",
        "data-institutions": "universite-d-ete",
        "data-votes": "21",
        "data-listed": "2025-02-06T08:00:00+00:00",
        "data-published": "2025-02-06T08:00:00+00:00",
    }
    assert other.get("data-published") == ""


@pytest.mark.parametrize("lang", LANGUAGES)
def test_filter_offers_the_topics_and_institutions_of_the_day_with_their_counts(lang):
    topics = [
        IssueTopics(names=names, source="model")
        for names in (["RL", "RL"], ["cv", "rl"], ["cv", "rl"])
    ]
    names = [["Zeta"], ["ZETA", "Alpha", "alpha"], []]
    day = [paper(f"2502.0000{n}", topics=topics[n], institutions=names[n]) for n in range(3)]
    page = renderer().day_page(issue(*day), lang)
    boxes = [
        (box.get("name"), box.get("value"))
        for box in elements(page, "input")
        if box.get("type") == "checkbox"
    ]
    assert boxes == [("topic", "rl"), ("topic", "cv")]
    select, sort = elements(page, "select")
    assert [(option.get("value"), text_of(option)) for option in select][1:] == [
        ("zeta", "Zeta (2)"),
        ("alpha", "Alpha"),
    ]
    assert [option.get("value") for option in sort] == ["", "listed", "published"]
    (output,) = elements(page, "output")
    forms = {key.removeprefix("data-"): shown_as(value) for key, value in output.attrib.items()}
    assert forms == {"none": LOCALES[lang].text("filter.none"), **LOCALES[lang].plurals["hits"]}


def test_a_single_paper_has_no_filter():
    assert elements(renderer().day_page(issue(paper()), "en"), "form") == []


def test_abstracts_of_a_long_day_are_on_the_pages_of_the_papers():
    papers = [paper(f"2502.{number:05}") for number in range(37)]
    short, long = (renderer().day_page(issue(*some), "en") for some in (papers[:36], papers))
    assert shown(short).count("We instrument an invented bridge") == 36
    assert "We instrument an invented bridge" not in shown(long)
    leading = [
        a.get("href")
        for a in elements(long, "a")
        if text_of(a) == LOCALES["en"].text("paper.abstract")
    ]
    assert leading == [f"../../en/p/{item.arxiv_id}.html" for item in papers]


def test_formulas_are_mathml_wherever_english_text_stands():
    formula = r"Nets of $x^2$ \emph{layers}"
    texts = {
        "ru": written("ru"),
        "en": IssueText(
            state="pending", reason="no_provider", source="hf_ai_summary", text="By $x^2$."
        ),
        "zh": IssueText(state="failed", reason="refused"),
    }
    day = issue(paper(title=formula, abstract=formula, summaries=texts))
    for lang, times in (("ru", 2), ("en", 3), ("zh", 2)):
        page = renderer().day_page(day, lang)
        assert page.count("<math") == times
        assert [text_of(title) for title in elements(page, "title") if "$" in text_of(title)] == []
        assert r"\emph" not in page


def test_russian_lines_do_not_break_behind_short_words():
    page = renderer().day_page(issue(paper()), "ru")
    assert "Авторы показывают, как мост из\N{NO-BREAK SPACE}датчиков" in page
    assert "1\N{NO-BREAK SPACE}статья" in page


def test_next_update_is_for_scripts_to_fill_in_and_hidden_until_then():
    for page, newest in (
        (renderer().day_page(issue(paper()), "en"), None),
        (renderer().language_index(issue(paper()), "en"), ""),
    ):
        (update,) = [element for element in elements(page, "p") if element.get("class") == "update"]
        assert (update.get("hidden"), update.get("data-day"), update.get("data-newest")) == (
            "",
            "2025-02-06",
            newest,
        )
        assert text_of(update) == "Next update:"
    script = static_files()["static/site.js"].decode()
    assert today_every_two_hours.cron_schedule == "0 */2 * * 1-5"
    assert "Every two hours on weekdays, in UTC" in script


@pytest.mark.parametrize("lang", LANGUAGES)
def test_masthead_leads_to_every_place_of_the_site(lang):
    pages = renderer("https://digest.example")
    (places,) = [
        nav
        for nav in elements(pages.day_page(issue(paper()), lang), "nav")
        if nav.get("class") == "places"
    ]
    assert [a.get("href") for a in places] == [
        f"../../{lang}/{place}"
        for place in (
            "index.html",
            "archive.html",
            "trends.html",
            "search.html",
            "reading/index.html",
            "my.html",
            "feed.xml",
        )
    ]
    assert "feed.xml" not in renderer().day_page(issue(paper()), lang)


def test_contents_lead_to_every_paper():
    page = renderer().day_page(every_case(), "en")
    (contents,) = [nav for nav in elements(page, "nav") if nav.get("class") == "contents"]
    assert [a.get("href") for a in contents.iter(XHTML + "a")] == [
        f"#p-{item.arxiv_id}" for item in every_case().papers
    ]


def test_first_page_without_a_day_says_that_nothing_is_built():
    for lang in LANGUAGES:
        assert LOCALES[lang].text("site.empty") in shown(renderer().language_index(None, lang))


def test_root_leads_to_every_language_and_without_scripts_to_the_first():
    page = renderer().root_index()
    for lang, link in zip(LANGUAGES, elements(page, "a"), strict=True):
        html = LOCALES[lang].html
        assert (link.get("href"), link.get("hreflang")) == (f"{lang}/index.html", html)
        assert link.get("lang") == html
    (refresh,) = [meta for meta in elements(page, "meta") if meta.get("http-equiv") == "refresh"]
    assert refresh.get("content") == f"0; url={LANGUAGES[0]}/index.html"
    (script,) = elements(page, "script")
    assert script.get("src") == "static/root.js"
    assert script.get("data-languages") == " ".join(LANGUAGES)


def test_same_record_gives_the_same_bytes():
    for lang in LANGUAGES:
        assert (
            renderer().day_page(every_case(), lang).encode()
            == renderer().day_page(every_case(), lang).encode()
        )


def test_unknown_name_in_a_template_is_an_error():
    with pytest.raises(UndefinedError, match="nonsense"):
        renderer()._environment.from_string("{{ nonsense }}").render()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_day_of_fifty_papers_is_below_60_kb_compressed(lang):
    page = renderer("https://digest.example").day_page(next(issues(1, 50)), lang)
    assert len(gzip.compress(page.encode())) < 60_000


def test_static_files_are_those_that_pages_load():
    names = (
        "aloud.js",
        "filter.js",
        "icon.svg",
        "kept.js",
        "my.js",
        "paper.js",
        "reading.js",
        "root.js",
        "search.js",
        "site.css",
        "site.js",
    )
    assert sorted(static_files()) == [f"static/{name}" for name in names]
    assert all(static_files().values())
    assert b"@import" not in static_files()["static/site.css"]
    assert b"url(" not in static_files()["static/site.css"]
