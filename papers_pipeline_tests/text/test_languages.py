"""The language of a text is the one that py3langid tells, from a table that stays on disk."""

import pytest
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from papers_pipeline.text import languages

TEXTS = [
    "Whistling kettles warn too late.",
    "Свистящие чайники предупреждают слишком поздно.",
    "鸣叫的水壶提醒得太晚。",
    "Les bouilloires sifflent trop tard.",
    "\ud800 123",
    "",
]


@pytest.fixture(scope="module")
def whole() -> LanguageIdentifier:
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


@pytest.mark.parametrize("text", TEXTS)
def test_every_language_has_the_probability_of_the_whole_model(
    text: str, whole: LanguageIdentifier
):
    assert languages.load_detector().rank(text) == whole.rank(text)
