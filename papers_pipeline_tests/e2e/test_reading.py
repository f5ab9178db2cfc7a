"""The reading task in a browser: read aloud word by word, or hidden until the reader recalls it."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from papers_pipeline_tests.e2e.visiting import DAY, LOCALES, Visit, tabbed_to
from papers_pipeline_tests.helpers.outside import LANGUAGES

VOICES = """
class FakeUtterance { constructor(text) { this.text = text; } }
const spoken = [];
let current = null;
const fake = {
  voices: VOICES, listeners: [],
  getVoices() { return this.voices; },
  addEventListener(name, listener) { this.listeners.push(listener); },
  speak(utterance) { current = utterance; spoken.push(utterance); },
  cancel() { const last = current; current = null; last?.onerror?.({ error: "canceled" }); },
};
Object.defineProperty(window, "speechSynthesis", { value: fake });
window.SpeechSynthesisUtterance = FakeUtterance;
window.spoken = spoken;
"""
"""A browser's voices, of which the test fires the events. Debian's chromium has none."""
MANDARIN = '{ lang: "zh-CN", localService: true, name: "Local" }'
ELSEWHERE = """[
  { lang: "en-US", localService: true }, { lang: "zh-HK", localService: true },
  { lang: "yue", localService: true }, { lang: "zh-CN", localService: false },
]"""
SAID = "spoken.map(({ text, lang, rate, voice }) => [text, lang, rate, voice.name])"


def with_voices(visit: Visit, voices: str, lang: str = "en") -> Page:
    visit.page.add_init_script(VOICES.replace("VOICES", voices))
    return visit.open(f"{lang}/reading/{DAY}.html")


def words(page: Page) -> list[tuple[int, str]]:
    """Where each word with pinyin of the first sentence begins in it, and the word."""
    found = page.locator(".hanzi").first.evaluate(
        """(sentence) => {
          let at = 0;
          const words = [];
          for (const node of sentence.childNodes) {
            const text = (node.nodeName === "RUBY" ? node.firstChild : node).data ?? "";
            if (node.nodeName === "RUBY") words.push([at, text]);
            at += text.length;
          }
          return words;
        }"""
    )
    return [(at, word) for at, word in found]


def fire(page: Page, name: str, event: str = "{}") -> None:
    page.evaluate(f"spoken.at(-1).on{name}({event})")


class TestAloud:
    @pytest.mark.parametrize("voices", ["[]", ELSEWHERE])
    def test_there_is_no_button_without_a_local_voice_in_mandarin(self, visit: Visit, voices: str):
        page = with_voices(visit, voices)
        expect(page.get_by_role("button", name="Test yourself")).to_be_visible()
        assert page.locator(".aloud").count() == 0
        page.evaluate(f"speechSynthesis.voices = [{MANDARIN}]")
        page.evaluate("speechSynthesis.listeners.forEach((listener) => listener())")
        expect(page.get_by_role("button", name="Read aloud")).to_be_visible()
        assert visit.said == []

    def test_each_word_is_marked_while_it_is_said(self, visit: Visit):
        page = with_voices(visit, f"[{MANDARIN}]")
        page.get_by_role("button", name="Read aloud").click()
        expect(page.locator(".saying")).to_have_count(1)
        said = []
        for at, _ in words(page):
            fire(page, "boundary", f"{{ name: 'word', charIndex: {at} }}")
            said.append(page.locator("ruby.spoken").evaluate("(word) => word.firstChild.data"))
        assert said == [word for _, word in words(page)]
        assert len(said) > 3
        sentences = page.locator(".sentences li").count()
        for number in range(sentences):
            expect(page.locator(".sentences li").nth(number)).to_have_class("saying")
            fire(page, "end")
        expect(page.locator(".saying, ruby.spoken")).to_have_count(0)
        expect(page.get_by_role("button", name="Read aloud")).to_be_visible()
        texts = [text for text, *_ in page.evaluate(SAID)]
        assert len(texts) == sentences
        assert not any(letter in "".join(texts) for letter in "āáǎàēéěè()")
        assert {tuple(how) for _, *how in page.evaluate(SAID)} == {("zh-CN", 1, "Local")}
        assert visit.said == []

    def test_a_voice_without_boundaries_marks_the_sentence(self, visit: Visit):
        page = with_voices(visit, f"[{MANDARIN}]")
        page.get_by_role("button", name="Read aloud").click()
        fire(page, "end")
        expect(page.locator(".sentences li").nth(1)).to_have_class("saying")
        assert page.locator("ruby.spoken").count() == 0

    def test_it_stops_and_changes_its_speed_by_keyboard(self, visit: Visit):
        page = with_voices(visit, f"[{MANDARIN}]")
        tabbed_to(page, ".aloud")
        page.keyboard.press("Enter")
        fire(page, "end")
        page.keyboard.press("Tab")
        page.keyboard.press("Home")
        expect(page.get_by_label("Speed")).to_have_value("0.5")
        expect(page.locator(".sentences li").nth(1)).to_have_class("saying")
        rates = [(text, rate) for text, _, rate, _ in page.evaluate(SAID)]
        assert rates[-2:] == [(rates[1][0], 1), (rates[1][0], 0.5)]
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Space")
        expect(page.locator(".saying")).to_have_count(0)
        assert page.evaluate("spoken.length") == 3
        page.reload()
        expect(page.get_by_label("Speed")).to_have_value("0.5")

    def test_a_voice_that_fails_ends_it(self, visit: Visit):
        page = with_voices(visit, f"[{MANDARIN}]")
        page.get_by_role("button", name="Read aloud").click()
        fire(page, "error", "{ error: 'synthesis-failed' }")
        expect(page.get_by_role("button", name="Read aloud")).to_be_visible()
        expect(page.locator(".saying")).to_have_count(0)


class TestRecall:
    def test_pinyin_and_meanings_are_hidden_until_they_are_pointed_at(self, visit: Visit):
        page = visit.open(f"en/reading/{DAY}.html")
        pinyin, translation = page.locator("rt").first, page.locator(".translation span").first
        meaning = page.locator(".vocabulary tbody td span").first
        before = page.locator(".reading").bounding_box()["height"]
        page.get_by_role("button", name="Test yourself").click()
        page.mouse.move(0, 0)
        for hidden in (pinyin, translation, meaning):
            expect(hidden).to_be_hidden()
        expect(page.locator(".vocabulary tbody td:last-child").first).to_be_visible()
        page.locator("ruby").first.hover()
        expect(pinyin).to_be_visible()
        expect(page.locator("rt").nth(1)).to_be_hidden()
        page.locator(".translation").first.hover()
        expect(translation).to_be_visible()
        page.locator(".vocabulary tbody th").first.hover()
        expect(meaning).to_be_visible()
        note = page.locator(".tools + .note").bounding_box()["height"]
        assert page.locator(".reading").bounding_box()["height"] < before + note + 20
        page.get_by_role("button", name="Test yourself").click()
        expect(page.locator("rt").nth(1)).to_be_visible()
        assert page.locator("[tabindex]").count() == 0
        assert visit.said == []

    def test_the_tab_key_shows_them_one_by_one(self, visit: Visit):
        page = visit.open(f"en/reading/{DAY}.html")
        tabbed_to(page, "button.test")
        page.keyboard.press("Enter")
        tabbed_to(page, ".hanzi")
        expect(page.locator(".hanzi").first.locator("rt").last).to_be_visible()
        expect(page.locator(".translation span").first).to_be_hidden()
        page.keyboard.press("Tab")
        expect(page.locator(".translation span").first).to_be_visible()
        expect(page.locator("rt").first).to_be_hidden()
        tabbed_to(page, ".vocabulary tr")
        expect(page.locator(".vocabulary tbody td span").first).to_be_visible()

    def test_a_touch_keeps_them_shown(self, browser: Browser, site: str):
        context = browser.new_context(
            viewport={"width": 390, "height": 800}, is_mobile=True, has_touch=True
        )
        page = Visit(context.new_page(), site).open(f"en/reading/{DAY}.html")
        page.get_by_role("button", name="Test yourself").tap()
        page.locator("ruby").nth(2).tap()
        page.locator(".translation").first.tap()
        expect(page.locator("rt").nth(2)).to_be_visible()
        expect(page.locator("rt").nth(3)).to_be_hidden()
        expect(page.locator(".translation span").first).to_be_visible()
        context.close()

    def test_it_is_remembered(self, visit: Visit):
        page = visit.open(f"en/reading/{DAY}.html")
        page.get_by_role("button", name="Test yourself").click()
        page.reload()
        expect(page.locator("rt").first).to_be_hidden()
        expect(page.get_by_role("button", name="Test yourself")).to_have_attribute(
            "aria-pressed", "true"
        )


@pytest.mark.parametrize("lang", LANGUAGES)
def test_axe_finds_nothing_wrong_with_all_its_buttons(browser: Browser, site: str, lang: str):
    context = browser.new_context(bypass_csp=True)  # for axe's own script
    visit = Visit(context.new_page(), site)
    page = with_voices(visit, f"[{MANDARIN}]", lang)
    page.get_by_role("button", name=LOCALES[lang].text("reading.test")).click()
    page.get_by_role("button", name=LOCALES[lang].text("reading.listen")).click()
    at, _ = words(page)[0]
    fire(page, "boundary", f"{{ name: 'word', charIndex: {at} }}")
    for scheme, width in (("light", 1440), ("dark", 390)):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900})
        found = Axe().run(page, options={"resultTypes": ["violations"]})
        assert found.response["violations"] == [], found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") == width
    context.close()
