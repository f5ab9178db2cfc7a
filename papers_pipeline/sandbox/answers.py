"""What the fake language models answer: the hand-written answer of a sample paper, else one made of the request alone.

The same question has the same answer. An answer that is made says in its language that it is a test answer, and quotes
words of the abstract, so that texts differ and can be searched; it states nothing about the paper.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

import yaml

from papers_pipeline.sandbox.world import SAMPLE

FENCE = re.compile(
    r"<(?P<name>[\w.]+)-(?P<hash>[0-9a-f]{12})>\n(?P<text>.*?)\n</(?P=name)-(?P=hash)>", re.DOTALL
)
NAMED_LANGUAGE = {
    "en": re.compile(r"\bin English\b"),
    "ru": re.compile(r"\bin Russian\b"),
    "zh": re.compile(r"\bin (Simplified )?Chinese\b"),
    "es": re.compile(r"\bin Spanish\b|\ben (español|castellano)\b"),
    "de": re.compile(r"\bin German\b|\bauf Deutsch\b"),
    "fr": re.compile(r"\bin French\b|\ben français\b"),
}
SHARE_OF_SCRIPT = 0.05
LISTED_TOPIC = re.compile(r"^- (?P<name>[A-Z0-9_]+): (?P<scope>.+)$", re.MULTILINE)
MOST_TOPICS, RARE_IN_SCOPES = 4, 3
INSTITUTION = re.compile(
    r"\b(Universi(ty|t[àéäy])|Universidad\w*|Institut\w*|Laborator(y|ies)|Labs?|College|Academy|Polytechni\w+|ETH|MIT"
    r"|[A-Z]\w+ Research)\b"
)
INSTITUTION_CHARACTERS, INSTITUTION_WORDS = 80, 10

# A number, a part of a compound, of an address or of LaTeX is no word to quote.
NOISE = re.compile(r"https?://\S+|\$[^$]*\$|\\\w+")
WORD = re.compile(r"(?<![\w/@\\.-])[A-Za-z]{4,}(?!\w|[/@.'’-]\w)")
QUOTED = 6
COMMON_WORDS = """
    about achieve achieves across after against also although among approach approaches available based because been
    before being beside better between both compared consistently demonstrate demonstrates different each effective
    even every existing experiments extensive first framework from further furthermore given have however improve
    improved improvement improvements improves including instead into introduce introduces itself large less leverage
    like made make makes many method methods model models moreover most much need novel often only other outperforms
    over paper papers performance present presents previous propose proposed proposes provide provides recent results
    same several should show shown shows significant significantly since some state still such system systems task
    tasks than that their them then there these they this those through thus under using very well were what when where
    whether which while whole will with within without work works would your
"""
COMMON = frozenset(COMMON_WORDS.split())
CODE_LETTERS, CODE_LENGTH = "BCDFGHKLMNPQRSTVWXZ", 5
EMOJI = "🧪🔭🧭🪁🧩🔬📐🧮🪄📦🧶🪜🔦🧲🪴🎈"

TITLES = {
    "en": ("Test answer {code}", " on "),
    "ru": ("Тестовый ответ {code}", " про "),
    "zh": ("测试答案 {code}", "："),
    "es": ("Respuesta de prueba {code}", " sobre "),
    "de": ("Testantwort {code}", " zu "),
}
TITLE_CHARACTERS = {"zh": 40}
MOST_TITLE_CHARACTERS = 90
TEXTS = {
    "en": "This is a test answer of the sandbox with the mark {code}, written in place of a real summary, and it says "
    "nothing about what the authors found. It was made from the request alone, and the abstract that came with it "
    "uses words such as {first}. Further on the abstract also speaks of {rest}, which sets this text apart from its "
    "neighbours and lets a search find it. A reader who meets it on a page can tell that the whole way from the list "
    "to the site works, and that only the language model was replaced.",
    "ru": "Это тестовый ответ песочницы с меткой {code}, он написан вместо настоящего пересказа и ничего не сообщает о "
    "том, что нашли авторы. Ответ составлен только по самому запросу, а в присланной аннотации встречаются слова "
    "{first}. Дальше в той же аннотации упомянуты {rest}, поэтому этот текст отличается от соседних и его можно найти "
    "поиском. Если он попался вам на странице, значит, весь путь от списка до сайта работает, а заменена была только "
    "языковая модель.",
    "zh": "这是沙盒给出的测试答案，标记为 {code}，用来代替真正的论文介绍，并不说明作者得到了什么结果。"
    "它只根据请求本身写成，随请求送来的摘要里出现了 {first} 等词语。"
    "摘要后面的部分还提到了 {rest}，因此这段文字与别的论文不同，读者也能在站内搜索到它。"
    "如果您在页面上看到它，就说明从列表到网站的整条流程已经走通，只有语言模型被沙盒替换了。",
    "es": "Esta es una respuesta de prueba del entorno simulado con la marca {code}, escrita en lugar de un resumen de "
    "verdad, y no dice nada de lo que encontraron los autores. Se compuso solamente a partir de la petición, y el "
    "resumen que llegó con ella usa palabras como {first}. Más adelante el mismo resumen habla de {rest}, de modo que "
    "este texto se distingue de sus vecinos y una búsqueda puede encontrarlo. Quien lo vea en una página sabrá que "
    "funciona todo el camino desde la lista hasta el sitio, y que solamente se sustituyó el modelo de lenguaje.",
    "de": "Dies ist eine Testantwort der Sandbox mit der Marke {code}, die anstelle einer echten Zusammenfassung steht "
    "und nichts darüber sagt, was die Autoren gefunden haben. Sie entstand allein aus der Anfrage, und in der "
    "mitgeschickten Kurzfassung kommen Wörter wie {first} vor. Weiter hinten ist dort auch von {rest} die Rede, "
    "sodass sich dieser Text von seinen Nachbarn unterscheidet und von einer Suche gefunden wird. Wer ihn auf einer "
    "Seite liest, der weiß, dass der ganze Weg von der Liste bis zur Website funktioniert und nur das Sprachmodell "
    "ersetzt wurde.",
}
COMMAS = {"zh": "、"}
SENTENCES = (
    "这是沙盒写的测试答案，标记是 {code}。",
    "论文的题目里有 {words} 这些词。",
    "这段话不介绍作者做了什么，也不介绍结果。",
    "它只用来检查网站的每一步是不是都能正常运行。",
    "如果你在网页上看到它，说明从名单到网页都没有问题。",
    "只有语言模型被换成了沙盒。",
)
TRANSLATIONS = {
    "en": (
        "This is the test translation of sentence {number} with the mark {code}.",
        "meaning in a test answer",
    ),
    "ru": (
        "Это тестовый перевод предложения номер {number} с меткой {code}.",
        "значение из тестового ответа",
    ),
    "es": (
        "Esta es la traducción de prueba de la frase {number} con la marca {code}.",
        "significado de prueba",
    ),
    "de": (
        "Dies ist die Testübersetzung von Satz {number} mit der Marke {code}.",
        "Bedeutung aus der Testantwort",
    ),
}


@dataclass(frozen=True)
class Question:
    """A request to a language model, whatever its wire format. ``fields`` are the JSON schemas of the fields asked for,
    none when prose is; ``tool`` is the tool that carries them, if one does."""

    system: str
    user: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    tool: str = ""

    @cached_property
    def passages(self) -> dict[str, str]:
        """The fenced texts by name; the first of each name, since an earlier answer may follow in the conversation."""
        found: dict[str, str] = {}
        for fence in FENCE.finditer(self.user):
            found.setdefault(fence["name"], fence["text"])
        return found

    @cached_property
    def title(self) -> str:
        """The paper's title, white space folded; empty when the request has none."""
        return _folded(self.passages.get("title", ""))

    @cached_property
    def language(self) -> str:
        """The language asked for: by the script of the system prompt, else the first that it names, else English."""
        latin, cyrillic, han = (
            len(re.findall(script, self.system)) for script in ("[A-Za-z]", "[а-яё]", "[一-鿿]")
        )
        # Not the majority: an agent that asks again may put English explanations of its own before the prompt.
        if max(cyrillic, han) > latin * SHARE_OF_SCRIPT:
            return "ru" if cyrillic > han else "zh"
        named = {
            language: pattern.search(self.system) for language, pattern in NAMED_LANGUAGE.items()
        }
        places = {match.start(): language for language, match in named.items() if match}
        return places[min(places)] if places else "en"


def answer(question: Question) -> dict[str, Any]:
    """A value for each field asked for; of a question for prose, `text` alone."""
    if set(question.fields) == {"sentences"}:
        return {
            "sentences": _sample_readings().get(question.title, {}).get("zh")
            or _made_sentences(question)
        }
    if set(question.fields) == {"sentences", "meanings"}:
        return _translation(question)
    known = _sample_answer(question.title, question.language)
    made = _made_answer(question)
    given = {
        name: _shaped(known.get(name, made.get(name)), schema)
        for name, schema in question.fields.items()
    }
    return given or {"text": known.get("text", made["text"])}


@cache
def _sample_titles() -> dict[str, str]:
    """The arXiv ids of the sample papers by their titles."""
    lists = [
        json.loads(path.read_text(encoding="utf-8"))
        for path in sorted((SAMPLE / "hf_api").glob("*.json"))
    ]
    return {
        _folded(entry["paper"]["title"]): entry["paper"]["id"]
        for entries in lists
        for entry in entries
    }


@cache
def _sample_answer(title: str, language: str) -> dict[str, Any]:
    path = SAMPLE / "answers" / f"{_sample_titles().get(title)}.yaml"
    if not path.exists():
        return {}
    written = yaml.safe_load(path.read_text(encoding="utf-8"))
    affiliations = written.get("affiliations", {})
    fields = {
        "topics": written["topics"],
        "affiliations": affiliations.get("institutions", []),
        **affiliations,
    }
    summary: dict[str, Any] = written.get(language, {})
    return {"emoji": written["ru"]["emoji"]} | summary | fields


@cache
def _sample_readings() -> dict[str, dict[str, Any]]:
    """The hand-written reading tasks by the titles of their papers."""
    ids = {arxiv_id: title for title, arxiv_id in _sample_titles().items()}
    answers = {
        path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
        for path in (SAMPLE / "answers").iterdir()
    }
    return {
        ids[arxiv_id]: answer["reading"]
        for arxiv_id, answer in answers.items()
        if "reading" in answer
    }


def _translation(question: Question) -> dict[str, Any]:
    """The hand-written translation of a sample's sentences, else one that says that it is a test answer."""
    sentences = question.passages.get("sentences", "").split("\n")
    words = [word for word in question.passages.get("words", "").split("\n") if word]
    known = next((it for it in _sample_readings().values() if it["zh"] == sentences), {})
    written = known.get(question.language, {})
    sentence, meaning = TRANSLATIONS.get(question.language, TRANSLATIONS["en"])
    meanings = dict.fromkeys(words, meaning) | written.get("meanings", {})
    return {
        "sentences": written.get("sentences")
        or [
            sentence.format(number=number, code=_code(text))
            for number, text in enumerate(sentences, 1)
        ],
        "meanings": [{"word": word, "meaning": meanings[word]} for word in words],
    }


def _made_sentences(question: Question) -> list[str]:
    """Simple Chinese sentences that say that they are a test answer and quote words of the title."""
    code = _code(question.title + question.passages.get("abstract", ""))
    words = COMMAS["zh"].join(quotable(question.title)[:3]) or code
    return [sentence.format(code=code, words=words) for sentence in SENTENCES]


def _code(text: str) -> str:
    """A few letters that tell one text from another."""
    digest = hashlib.sha256(text.encode()).digest()
    return "".join(CODE_LETTERS[byte % len(CODE_LETTERS)] for byte in digest[:CODE_LENGTH])


def _made_answer(question: Question) -> dict[str, Any]:
    language = question.language if question.language in TEXTS else "en"
    abstract = question.passages.get("abstract", question.user)
    digest = hashlib.sha256(f"{question.title}\n{abstract}".encode()).digest()
    code = _code(f"{question.title}\n{abstract}")
    words = [_cased(word, language) for word in quotable(abstract) or quotable(question.title)]
    half = (len(words) + 1) // 2
    comma = COMMAS.get(language, ", ")
    institutions = institution_lines(question)
    return {
        "title": _made_title(
            language, code, [_cased(word, language) for word in quotable(question.title)]
        ),
        "text": TEXTS[language].format(
            code=code, first=comma.join(words[:half]) or code, rest=comma.join(words[half:]) or code
        ),
        "emoji": EMOJI[digest[-1] % len(EMOJI)],
        "topics": supported_topics(question.system, f"{question.title} {abstract}"),
        "institutions": institutions,
        "affiliations": institutions,
        "authors": {},
    }


def _made_title(language: str, code: str, words: list[str]) -> str:
    opening, about = TITLES[language]
    title = opening.format(code=code)
    for number, word in enumerate(words[:3]):
        longer = f"{title}{COMMAS.get(language, ', ') if number else about}{word}"
        if len(longer) > TITLE_CHARACTERS.get(language, MOST_TITLE_CHARACTERS):
            break
        title = longer
    return title


def quotable(text: str) -> list[str]:
    """The most characteristic words of a text, at most six, in their order: the longest that papers do not share."""
    spelled: dict[str, str] = {}
    for word in WORD.findall(NOISE.sub(" ", text)):
        spelled.setdefault(word.lower(), word)
    rare = [word for lower, word in spelled.items() if lower not in COMMON]
    longest = sorted(rare, key=len, reverse=True)[:QUOTED]
    return [word for word in rare if word in longest]


def supported_topics(system: str, text: str) -> list[str]:
    """The listed topics (`- NAME: scope`) that the text names or shares several words with, at most four, most shared
    words first; when there is none, the first that shares one."""
    scopes = {
        found["name"]: _stems(f"{found['name']} {found['scope']}")
        for found in LISTED_TOPIC.finditer(system)
    }
    spread = Counter(stem for stems in scopes.values() for stem in stems)
    told = _stems(text)
    # A word of many scopes, such as "train", tells little about any of them.
    shared = {
        name: sum(spread[stem] <= RARE_IN_SCOPES for stem in stems & told)
        for name, stems in scopes.items()
    }
    named = {name for name in shared if _stems(name) <= told}
    ranked = sorted((name for name in shared if shared[name]), key=lambda name: -shared[name])
    return [name for name in ranked if shared[name] > 1 or name in named][:MOST_TOPICS] or ranked[
        :1
    ]


def institution_lines(question: Question) -> list[str]:
    """What reads like an institution in the lines of the text that was sent, beside the title and the abstract."""
    sent = [text for name, text in question.passages.items() if name not in ("title", "abstract")]
    parts = (part.strip(" .*†‡§¶0123456789") for text in sent for part in re.split(r"[\n,;]", text))
    return list(
        dict.fromkeys(
            part
            for part in parts
            if INSTITUTION.search(part)
            and len(part) <= INSTITUTION_CHARACTERS
            and len(part.split()) <= INSTITUTION_WORDS
        )
    )


def _stems(text: str) -> set[str]:
    words = (
        word.lower()
        for word in re.findall(r"\b(?:[A-Za-z]{4,}|\d[A-Z]|[A-Z]{2,3})\b", text.replace("_", " "))
    )
    return {word.removesuffix("s") for word in words if word not in COMMON}


def _cased(word: str, language: str) -> str:
    return word.upper() if language == "ru" else word


def _folded(text: str) -> str:
    return " ".join(text.split())


def _shaped(value: Any, schema: Mapping[str, Any]) -> Any:
    """The value in the shape that the schema asks for; what is not known is empty."""
    empty = {"string": "", "array": [], "object": {}, "boolean": False, "integer": 0, "number": 0}
    if value is None:
        return empty.get(schema.get("type", ""))
    if isinstance(value, dict) and schema.get("type") == "array":
        # A strict schema has no maps: institutions by author come as a list of objects.
        parts = schema.get("items", {}).get("properties", {})
        lists = {name for name, part in parts.items() if part.get("type") == "array"}
        return [
            {part: value[name] if part in lists else name for part in parts} or name
            for name in value
        ]
    return value
