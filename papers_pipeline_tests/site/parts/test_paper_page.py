"""The page of a paper shows all its data safely, and is the same whichever day is built."""

import gzip
import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from upath import UPath

from papers_pipeline.records import (
    DailyIssue,
    Figure,
    IssueAuthor,
    IssueCounts,
    IssueNote,
    IssuePaper,
    IssueText,
    IssueTopics,
    NoteStatement,
    Paper,
    RelatedPaper,
    RelatedPapers,
)
from papers_pipeline.site.catalogue import Card, cards_of_issue, read_catalogue
from papers_pipeline.site.day_pages import write_day
from papers_pipeline.site.issue_reader import IssueReader
from papers_pipeline.site.parts.paper_page import PaperPage, link_card, listed_elsewhere, paper_page
from papers_pipeline.site.parts.shared_papers import shared_papers
from papers_pipeline.site.render import Renderer
from papers_pipeline.site.search import write_index
from papers_pipeline.site.writer import Site
from papers_pipeline.store import files as storage
from papers_pipeline.store.lake import Lake, encode
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
)

URL = "https://digest.example/papers"


def page_of(
    shown_paper: IssuePaper, lang: str = "en", *related: Card, url: str | None = URL
) -> str:
    return paper_page(renderer(url), PaperPage(DAY, shown_paper, related), lang)


def metas(page: str) -> dict[str, str]:
    """The Open Graph and citation properties of a page; the last of several with one name."""
    found = elements(page, "meta")
    return {meta.get("property") or meta.get("name"): meta.get("content") for meta in found}


def data_of(page: str) -> dict:
    (block,) = [
        script for script in elements(page, "script") if script.get("type") == "application/ld+json"
    ]
    return json.loads(block.text)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_pages_are_valid_html_in_every_case(lang):
    for case in every_case().papers:
        page = page_of(
            case,
            lang,
            *cards_of_issue(issue(paper("2502.00002"), paper("2502.00003", summaries={}))),
        )
        (html,) = elements(page, "html")
        assert html.get("lang") == LOCALES[lang].html
        assert len(elements(page, "h1")) == 1
        identifiers = [element.get("id") for element in parsed(page).iter() if element.get("id")]
        assert len(identifiers) == len(set(identifiers))
        assert not [element for element in parsed(page).iter() if element.get("style")]
        assert data_of(page)["identifier"]["value"] == case.arxiv_id


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_page_has_the_text_of_its_language_and_the_others_within_reach(lang):
    page = page_of(paper(), lang)
    title, text = WRITTEN[lang]
    assert text_of(elements(page, "h1")[0]) == f"🌉 {title}"
    assert text_of(elements(page, "title")[0]) == f"{title} · {LOCALES[lang].text('site.name')}"
    assert text in shown(page)
    others = {
        section.get("lang"): text_of(section)
        for section in elements(page, "section")
        if section.get("lang")
    }
    assert others == {
        LOCALES[other].html: " ".join(WRITTEN[other]) for other in LANGUAGES if other != lang
    }
    assert {f"../../{other}/p/2502.00001.html" for other in LANGUAGES} <= set(links(page))


def test_a_language_without_a_text_of_ours_shows_the_title_and_offers_no_fold_for_it():
    page = page_of(paper(summaries={"en": paper().summaries["en"]}), "ru")
    assert text_of(elements(page, "h1")[0]) == "🌉 Sensor Bridges Foresee Gusts"
    assert [
        section.get("lang") for section in elements(page, "section") if section.get("lang")
    ] == ["en"]


def test_topics_institutions_and_days_are_linked():
    authors = [IssueAuthor(name="Ada Example", institutions=["Institute of Invented Bridges"])]
    page = page_of(paper(authors=authors, listed_on=[date(2025, 2, 5), DAY]), "ru")
    found = links(page)
    assert {"../../ru/t/rl.html", "../../ru/t/small_models.html"} <= set(found)
    assert found.count("../../ru/i/institute-of-invented-bridges.html") == 1
    assert [link for link in found if "/d/" in link] == [
        "../../ru/d/2025-02-05.html#p-2502.00001",
        "../../ru/d/2025-02-06.html#p-2502.00001",
    ]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_fates_are_told(lang):
    locale = LOCALES[lang]
    marks = [
        [
            text_of(paragraph)
            for paragraph in elements(page_of(case, lang), "p")
            if paragraph.get("class") == "mark"
        ]
        for case in every_case().papers[4:7]
    ]
    assert marks == [
        [shown_as(locale.text("paper.withdrawn", date=locale.short_date(DAY)))],
        [shown_as(f"{locale.text('paper.moved')} {locale.short_date(date(2025, 2, 7))}")],
        [shown_as(locale.text("paper.gone"))],
    ]


def test_all_figures_are_shown_and_loaded_when_they_come_near():
    figures = [
        Figure(url=f"https://arxiv.org/html/2502.00001v1/x{n}.png", caption=f"Bridge {n}.")
        for n in range(9)
    ]
    images = elements(page_of(paper(figures=figures)), "img")
    assert [image.get("src") for image in images] == [figure.url for figure in figures]
    assert {image.get("loading") for image in images} == {"lazy"}


def test_related_papers_have_slogans_of_the_language_or_their_title_in_english():
    cards = list(cards_of_issue(issue(paper("2502.00002"), paper("2502.00003", summaries={}))))
    page = page_of(paper(), "zh", *cards)
    (found,) = [listed for listed in elements(page, "ul") if listed.get("class") == "related"]
    assert [(a.get("href"), a.get("lang"), text_of(a)) for a in found.iter(XHTML + "a")] == [
        ("../../zh/p/2502.00002.html", None, WRITTEN["zh"][0]),
        ("../../zh/p/2502.00003.html", "en", "Sensor Bridges Foresee Gusts"),
    ]
    assert not [
        listed for listed in elements(page_of(paper()), "ul") if listed.get("class") == "related"
    ]


@pytest.mark.parametrize(("lang", "territory"), [("ru", "ru_RU"), ("en", "en_US"), ("zh", "zh_CN")])
def test_links_unfold_into_a_card_of_the_language(lang, territory):
    title, text = WRITTEN[lang]
    told = metas(page_of(paper(), lang))
    assert {
        name: told.get(name) for name in told if name and name.startswith(("og:", "twitter:"))
    } == {
        "og:type": "article",
        "og:site_name": LOCALES[lang].text("site.name"),
        "og:title": title,
        "og:description": text,
        "og:locale": territory,
        "og:locale:alternate": {"ru": "zh_CN", "en": "zh_CN", "zh": "en_US"}[lang],
        "og:url": f"{URL}/{lang}/p/2502.00001.html",
        "og:image": f"{URL}/og/{lang}/2502.00001.png",
        "og:image:type": "image/png",
        "og:image:width": "1200",
        "og:image:height": "630",
        "og:image:alt": title,
        "twitter:card": "summary_large_image",
    }


def test_without_an_address_of_the_site_there_is_no_card_and_no_absolute_link():
    page = page_of(paper(), url=None)
    assert link_card(renderer(), PaperPage(DAY, paper()), "en") is None
    told = metas(page)
    assert "og:image" not in told
    assert "og:url" not in told
    assert told["twitter:card"] == "summary"
    assert [link.get("rel") for link in elements(page, "link")] == [
        *("icon", "stylesheet", "alternate")  # the Markdown, beside the page
    ]


def test_machines_are_told_what_the_paper_is():
    authors = [IssueAuthor(name="Ada Example", institutions=["Institute of Invented Bridges"])]
    known = paper(authors=authors, published_at=datetime(2025, 2, 5, 9, tzinfo=UTC), version=2)
    page = page_of(known, "ru")
    institute = {"@type": "Organization", "name": "Institute of Invented Bridges"}
    assert data_of(page) == {
        "@context": "https://schema.org",
        "@type": "ScholarlyArticle",
        "@id": "https://arxiv.org/abs/2502.00001",
        "headline": "Sensor Bridges Foresee Gusts",
        "alternativeHeadline": "Мосты учатся считать ветер",
        "inLanguage": "en",
        "author": [{"@type": "Person", "name": "Ada Example"}],
        "sourceOrganization": [institute],
        "datePublished": "2025-02-05",
        "identifier": {"@type": "PropertyValue", "propertyID": "arXiv", "value": "2502.00001"},
        "version": 2,
        "url": "https://arxiv.org/abs/2502.00001",
        "isAccessibleForFree": True,
        "encoding": {
            "@type": "MediaObject",
            "contentUrl": "https://arxiv.org/pdf/2502.00001",
            "encodingFormat": "application/pdf",
        },
        "keywords": ["Обучение с подкреплением", "Малые модели"],
        "publisher": {"@type": "Organization", "name": "arXiv", "url": "https://arxiv.org"},
        "mainEntityOfPage": f"{URL}/ru/p/2502.00001.html",
        "image": f"{URL}/og/ru/2502.00001.png",
    }
    told = metas(page)
    assert told["citation_title"] == "Sensor Bridges Foresee Gusts"
    assert told["citation_author"] == "Ada Example"
    assert told["citation_publication_date"] == "2025/02/05"
    assert told["citation_arxiv_id"] == "2502.00001"


def test_hostile_strings_come_out_as_text():
    text = f"{HOSTILE} </script><!-- \x00\u2028 \ud800"
    hostile = paper(
        title=text,
        abstract=text,
        authors=[IssueAuthor(name=text, institutions=[text])],
        institutions=[text],
        topics=IssueTopics(names=[HOSTILE], source="model"),  # of a closed list
        emoji=text,
        figures=[Figure(url="javascript:alert(1)", caption=text)],
        url="javascript:alert(1)",
        code_url="javascript:alert(1)",
        summaries={
            lang: IssueText(state="done", source="model", title=text, text=text)
            for lang in LANGUAGES
        },
    )
    for lang in LANGUAGES:
        page = page_of(hostile, lang, *cards_of_issue(issue(hostile)))
        page.encode()
        assert [(script.get("src"), script.get("type")) for script in elements(page, "script")] == [
            ("../../static/site.js", None),
            ("../../static/kept.js", None),
            (None, "application/ld+json"),
            ("../../static/paper.js", None),
        ]
        assert data_of(page)["headline"].startswith(HOSTILE)
        assert elements(page, "img") == []
        assert not [link for link in links(page) if link.startswith("javascript")]
        assert not [
            name
            for element in parsed(page).iter()
            for name in element.attrib
            if name.startswith("on")
        ]


def test_the_search_sees_the_paper_and_not_what_stands_around_it(tmp_path: Path):
    folder = tmp_path / "en" / "p"
    folder.mkdir(parents=True)
    page = page_of(
        paper(
            figures=[Figure(url="https://arxiv.org/html/2502.00001v1/x1.png", caption="A bridge.")]
        ),
        "en",
        *cards_of_issue(issue(paper("2502.00002"))),
    )
    (folder / "2502.00001.html").write_text(page, encoding="utf-8")
    write_index(UPath(tmp_path), ["en"], ())
    (fragment,) = (tmp_path / "pagefind" / "fragment").iterdir()
    found = json.loads(gzip.decompress(fragment.read_bytes()).removeprefix(b"pagefind_dcd"))
    pictures = {
        name: found["meta"].pop(name) for name in ("image", "image_alt")
    }  # Pagefind's own, of the first figure
    assert pictures["image"].endswith("x1.png")
    assert found["meta"] == {
        "arxiv": "2502.00001",
        "title": "🌉 Bridges learn to count the wind",
        "authors": "Ada Example, Bo Sample",
        "date": "Feb 6, 2025",
    }
    assert found["filters"] == {"topic": ["rl", "small_models"]}
    assert "Sensor Bridges Foresee Gusts" in found["content"]
    around = (
        "Related",
        "@misc",
        "桥梁",
        "Institutions",
        "Authors",
        "abstract",
        "Listed on",
        "figure",
        "Written by",
    )
    assert [word for word in around if word in found["content"]] == []


def lake_of(tmp_path: Path, *days: tuple[date, list[IssuePaper]]) -> Lake:
    """A lake with the listings and issues of some days."""
    lake = Lake(UPath(tmp_path / "lake"))
    for day, papers in days:
        record = DailyIssue(
            date=day,
            state="listed",
            list_state="listed",
            counts=IssueCounts(),
            built_at=None,
            papers=papers,
        )
        storage.write(lake.path("daily_issue", str(day)), encode([record], DailyIssue))
        rows = [
            Paper(
                arxiv_id=paper.arxiv_id,
                title=paper.title,
                abstract=paper.abstract,
                authors=[],
                first_seen_at=SEEN,
            )
            for paper in papers
        ]
        storage.write(lake.path("feed_listing", str(day)), encode(rows, Paper))
    return lake


def shared(lake: Lake, pages: Renderer | None = None) -> dict[str, str]:
    """The pages that the site's run writes, and their fingerprints."""
    found = shared_papers(pages or renderer(), read_catalogue(lake), IssueReader(lake))
    return {page.path: page.fingerprint for page in found}


def test_the_page_of_a_paper_that_several_days_list_belongs_to_the_site_however_far_apart_they_are(
    tmp_path: Path,
):
    far = date(2025, 6, 2)
    lake = lake_of(
        tmp_path, (DAY, [paper("2502.00001"), paper("2502.00002")]), (far, [paper("2502.00001")])
    )
    ids = {"2502.00001", "2502.00002"}
    assert (
        listed_elsewhere(lake, DAY, ids)
        == listed_elsewhere(lake, far, ids - {"2502.00002"})
        == {"2502.00001"}
    )
    own = {f"{lang}/p/2502.00001.{ending}" for lang in LANGUAGES for ending in ("html", "md")}
    assert shared(lake).keys() == own
    assert shared(lake, renderer(URL)).keys() == {
        *own,
        *(f"og/{lang}/2502.00001.png" for lang in LANGUAGES),
    }
    page = next(iter(shared_papers(renderer(), read_catalogue(lake), IssueReader(lake)))).make()
    assert [link for link in links(page) if "/d/" in link] == [
        f"../../ru/d/{day}.html#p-2502.00001" for day in (DAY, far)
    ]


def test_it_is_made_again_when_its_issue_or_a_slogan_of_a_related_paper_changes(tmp_path: Path):
    def fingerprint(number: int, changed: IssuePaper, other: IssuePaper) -> str:
        lake = lake_of(
            tmp_path / str(number), (DAY, [changed, other]), (date(2025, 2, 7), [changed])
        )
        row = RelatedPapers(
            arxiv_id=changed.arxiv_id,
            title=changed.title,
            terms=[],
            counts=[],
            related=[RelatedPaper(arxiv_id=other.arxiv_id, day=DAY, title=other.title)],
        )
        storage.write(lake.path("related_papers", "2025-02-07"), encode([row], RelatedPapers))
        return shared(lake)["ru/p/2502.00001.html"]

    one, two = paper("2502.00001"), paper("2502.00002")
    figure = Figure(url="https://arxiv.org/html/2502.00001v1/x1.png", caption="A bridge.")
    assert fingerprint(0, one, two) == fingerprint(1, one, two)
    assert (
        len(
            {
                fingerprint(2, one, two),
                fingerprint(3, one.model_copy(update={"figures": [figure]}), two),
                fingerprint(4, one, two.model_copy(update={"summaries": {}})),
                fingerprint(5, one.model_copy(update={"upvotes": 99}), two),
            }
        )
        == 4
    )


def test_a_card_is_drawn_only_when_its_words_change(tmp_path: Path, monkeypatch):
    site = Site(UPath(tmp_path), renderer(URL))
    files, changed = write_day(site, issue(paper()), [PaperPage(DAY, paper())])
    pictures = [file for file in files if file.path.startswith("og/")]
    assert [file.path for file in pictures] == [f"og/{lang}/2502.00001.png" for lang in LANGUAGES]
    assert changed == len(files)
    drawn = []
    monkeypatch.setattr(
        "papers_pipeline.site.drawing.cards.LinkCard.png",
        lambda card: drawn.append(card.slogan) or b"png",
    )
    before = {file.path: file for file in files}
    voted = paper(upvotes=99)
    again, changed = write_day(site, issue(voted), [PaperPage(DAY, voted)], before)
    assert ([file for file in again if file.path.startswith("og/")], drawn) == (pictures, [])
    rewritten = paper(
        summaries=paper().summaries | {"en": IssueText(state="done", source="model", title="Other")}
    )
    write_day(site, issue(rewritten), [PaperPage(DAY, rewritten)], before)
    assert drawn == ["Other"]


def noted(**changes) -> IssuePaper:
    """A paper with notes in English."""
    parts = {
        "problem": [NoteStatement(text="Gusts are seen late.", section="1 Introduction")],
        "method": [NoteStatement(text=HOSTILE, section=HOSTILE)],
        "limitations": [],
    }
    fields = {
        "state": "done",
        "version": 2,
        "parts": parts,
        "model": "windy-2",
        "prompt_version": "def456",
        "created_at": SEEN,
    }
    return paper(notes={"en": IssueNote(**(fields | changes))})


def test_notes_on_the_full_text_name_section_version_model_and_prompt():
    html = page_of(noted())
    assert [text_of(heading) for heading in elements(html, "h3")] == [
        *("The problem", "The method", "Limitations")
    ]
    assert "Gusts are seen late. Section: 1 Introduction" in map(text_of, elements(html, "li"))
    assert "The sections that the model read name none." in shown(html)
    assert "Written by windy-2 from version 2 of the PDF on arXiv on Feb 6, 2025" in shown(html)
    assert "prompt def456" in shown(html)
    assert "from the text of the PDF" in shown(page_of(noted(version=None)))


def test_what_notes_say_and_no_section_does_is_marked():
    html = page_of(noted(unverified=["GPT-4.5", "73"]))
    assert "the sections that the model read do not mention GPT-4.5 or 73." in shown(html)
    assert "Unverified" not in shown(page_of(noted()))


def test_notes_that_are_pending_or_in_another_language_are_not_shown():
    pending = IssueNote(state="pending", reason="in_batch")
    assert "Notes on the full text" not in shown(page_of(paper(notes={"en": pending})))
    assert "Заметки по полному тексту" not in shown(page_of(noted(), "ru"))
