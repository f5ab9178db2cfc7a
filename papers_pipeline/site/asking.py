"""Links that open a reader's own assistant with a question about a paper.

Nothing is sent to anyone before the reader follows one.
"""

from collections.abc import Mapping
from urllib.parse import quote

from papers_pipeline.base.characters import excerpt
from papers_pipeline.text import formulas
from papers_pipeline.text.locales import Locale

QUESTION = "{question}"
LONGEST_TITLE = 200
"""Characters. Some assistants refuse longer addresses."""


def ask_links(ask: Mapping[str, str], locale: Locale, title: str, url: str) -> dict[str, str]:
    """The address of each assistant of `ask` with the question, in the locale's language.

    `title` is the paper's and `url` where the assistant can read about it.
    """
    named = excerpt(formulas.plain(title), LONGEST_TITLE, whole_words=True)
    question = locale.text("paper_page.question", title=named, url=url)
    encoded = quote(question, safe="")
    return {name: address.replace(QUESTION, encoded) for name, address in ask.items()}
