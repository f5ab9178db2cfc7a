"""The answers of the fake language models.

A sample paper has an answer written by hand. Any other answer is made from the request alone: it
says in its language that it is a test answer, and quotes words of the abstract, so that texts
differ and a search finds them. It states nothing about the paper. The same question always gets the
same answer.
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

from papers_pipeline.base.characters import one_line
from papers_pipeline.sandbox.notes import PARTS, written_notes
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
MOST_TOPICS = 4
RARE_IN_SCOPES = 3
"""A word in more scopes than this, such as "train", says little about any topic."""
INSTITUTION = re.compile(
    r"\b(Universi(ty|t[àéäy])|Universidad\w*|Institut\w*|Laborator(y|ies)|Labs?|College|Academy"
    r"|Polytechni\w+|ETH|MIT|[A-Z]\w+ Research)\b"
)
MARKER = re.compile(r"[\d*∗†‡§¶]")
INSTITUTION_CHARACTERS, INSTITUTION_WORDS = 80, 10

# Numbers and parts of compounds, addresses and LaTeX are not words to quote.
NOISE = re.compile(r"https?://\S+|\$[^$]*\$|\\\w+")
WORD = re.compile(r"(?<![\w/@\\.-])[A-Za-z]{4,}(?!\w|[/@.'’-]\w)")
MOST_QUOTED = 6
COMMON_WORDS = """
    about achieve achieves across after against also although among approach approaches available
    based because been before being beside better between both compared consistently demonstrate
    demonstrates different each effective even every existing experiments extensive first framework
    from further furthermore given have however improve improved improvement improvements improves
    including instead into introduce introduces itself large less leverage like made make makes many
    method methods model models moreover most much need novel often only other outperforms over
    paper papers performance present presents previous propose proposed proposes provide provides
    recent results same several should show shown shows significant significantly since some state
    still such system systems task tasks than that their them then there these they this those
    through thus under using very well were what when where whether which while whole will with
    within without work works would your
"""
COMMON = frozenset(COMMON_WORDS.split())
# Greek, because a Latin mark would be a name that the abstract does not have.
CODE_LETTERS, CODE_LENGTH = "αβγδεζηθκλμνξπρστφχψω", 5
EMOJI = "🧪🔭🧭🪁🧩🔬📐🧮🪄📦🧶🪜🔦🧲🪴🎈"

TITLES = {
    "en": ("Test answer {code}", " on "),
    "ru": ("Тестовый ответ {code}", " про "),
    "zh": ("测试答案 {code}", "："),
    "es": ("Respuesta de prueba {code}", " sobre "),
    "de": ("Testantwort {code}", " zu "),
}
TITLE_CHARACTERS = {"zh": 40}
DEFAULT_TITLE_CHARACTERS = 90
TEXTS = {
    "en": (
        "This is a test answer of the sandbox with the mark {code}, written in place of a real "
        "summary, and it says nothing about what the authors found. It was made from the request "
        "alone, and the abstract that came with it uses words such as {first}. Further on the "
        "abstract also speaks of {rest}, which sets this text apart from its neighbours and lets a "
        "search find it. A reader who meets it on a page can tell that the whole way from the list "
        "to the site works, and that only the language model was replaced."
    ),
    "ru": (
        "Это тестовый ответ песочницы с меткой {code}, он написан вместо настоящего пересказа и "
        "ничего не сообщает о том, что нашли авторы. Ответ составлен только по самому запросу, а в "
        "присланной аннотации встречаются слова {first}. Дальше в той же аннотации упомянуты "
        "{rest}, поэтому этот текст отличается от соседних и его можно найти поиском. Если он "
        "попался вам на странице, значит, весь путь от списка до сайта работает, а заменена была "
        "только языковая модель."
    ),
    "zh": (
        "这是沙盒给出的测试答案，标记为 "
        "{code}，用来代替真正的论文介绍，并不说明作者得到了什么结果。"
        "它只根据请求本身写成，随请求送来的摘要里出现了 {first} 等词语。摘要后面的部分还提到了 "
        "{rest}，因此这段文字与别的论文不同，读者也能在站内搜索到它。"
        "如果您在页面上看到它，就说明从列表到网站的整条流程已经走通，只有语言模型被沙盒替换了。"
    ),
    "es": (
        "Esta es una respuesta de prueba del entorno simulado con la marca {code}, escrita en "
        "lugar de un resumen de verdad, y no dice nada de lo que encontraron los autores. Se "
        "compuso solamente a partir de la petición, y el resumen que llegó con ella usa palabras "
        "como {first}. Más adelante el mismo resumen habla de {rest}, de modo que este texto se "
        "distingue de sus vecinos y una búsqueda puede encontrarlo. Quien lo vea en una página "
        "sabrá que funciona todo el camino desde la lista hasta el sitio, y que solamente se "
        "sustituyó el modelo de lenguaje."
    ),
    "de": (
        "Dies ist eine Testantwort der Sandbox mit der Marke {code}, die anstelle einer echten "
        "Zusammenfassung steht und nichts darüber sagt, was die Autoren gefunden haben. Sie "
        "entstand allein aus der Anfrage, und in der mitgeschickten Kurzfassung kommen Wörter wie "
        "{first} vor. Weiter hinten ist dort auch von {rest} die Rede, sodass sich dieser Text von "
        "seinen Nachbarn unterscheidet und von einer Suche gefunden wird. Wer ihn auf einer Seite "
        "liest, der weiß, dass der ganze Weg von der Liste bis zur Website funktioniert und nur "
        "das Sprachmodell ersetzt wurde."
    ),
}
COMMAS = {"zh": "、"}
DEFAULT_COMMA = ", "
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
    """A request to a language model, independent of its wire format.

    `fields` are the JSON schemas of the requested fields; empty if prose is requested. `tool` is
    the name of the tool that carries them, if any.
    """

    system: str
    user: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    tool: str = ""

    @cached_property
    def passages(self) -> dict[str, str]:
        """The first fenced text of each name; an earlier answer may follow in the conversation."""
        found: dict[str, str] = {}
        for fence in FENCE.finditer(self.user):
            found.setdefault(fence["name"], fence["text"])
        return found

    @cached_property
    def headings(self) -> list[str]:
        """The headings of the fenced sections, each the first line of its text."""
        sections = [fence for fence in FENCE.finditer(self.user) if fence["name"] == "section"]
        return [section["text"].partition("\n")[0] for section in sections]

    @cached_property
    def hash(self) -> str:
        """The hex SHA-256 of what was asked."""
        return hashlib.sha256(f"{self.system}\x1f{self.user}".encode()).hexdigest()

    @cached_property
    def title(self) -> str:
        """The paper's title with white space folded; empty if the request has none."""
        return one_line(self.passages.get("title", ""))

    @cached_property
    def language(self) -> str:
        """The language to answer in.

        It is the language of the system prompt's script, else the first language that the prompt
        names, else English.
        """
        latin = len(re.findall("[A-Za-z]", self.system))
        cyrillic = len(re.findall("[а-яё]", self.system))
        han = len(re.findall("[一-鿿]", self.system))
        # Not the majority, because an agent may add English explanations when it asks again.
        if max(cyrillic, han) > latin * SHARE_OF_SCRIPT:
            return "ru" if cyrillic > han else "zh"
        language, first_place = "en", len(self.system)
        for named, pattern in NAMED_LANGUAGE.items():
            match = pattern.search(self.system)
            if match and match.start() < first_place:
                language, first_place = named, match.start()
        return language


def answer(question: Question) -> dict[str, Any]:
    """A value for each requested field; only `text` if prose is requested.

    A text field that the sandbox does not know gets the test text, so that a new stage has answers.
    """
    fields = set(question.fields)
    if fields == {"sentences"}:
        written = _sample_readings().get(question.title, {})
        return {"sentences": written.get("zh") or _made_sentences(question)}
    if fields == {"sentences", "meanings"}:
        return _translation(question)
    if fields == set(PARTS):
        arxiv_id = _sample_titles().get(question.title)
        code = _code(question.title)
        return written_notes(arxiv_id, question.language, code, question.headings)
    if fields == {"reason", "better"}:
        return _preference(question)
    if fields == {"unsupported", "supported"}:
        return _support(question)
    made = _made_answer(question)
    values = made | _sample_answer(question.title, question.language)
    if not fields:
        return {"text": values["text"]}
    answered = {}
    for name, schema in question.fields.items():
        is_unknown_text = name not in values and schema.get("type") == "string"
        answered[name] = made["text"] if is_unknown_text else _shaped(values.get(name), schema)
    return answered


@cache
def _sample_titles() -> dict[str, str]:
    """The arXiv ids of the sample papers by title."""
    ids = {}
    for path in sorted((SAMPLE / "hf_api").glob("*.json")):
        for entry in json.loads(path.read_text(encoding="utf-8")):
            ids[one_line(entry["paper"]["title"])] = entry["paper"]["id"]
    return ids


@cache
def _sample_answer(title: str, language: str) -> dict[str, Any]:
    """The hand-written fields for a sample paper; empty for any other paper."""
    path = SAMPLE / "answers" / f"{_sample_titles().get(title)}.yaml"
    if not path.exists():
        return {}
    written = yaml.safe_load(path.read_text(encoding="utf-8"))
    fields: dict[str, Any] = {"emoji": written["ru"]["emoji"]}
    fields |= written.get(language, {})
    fields["topics"] = written["topics"]
    affiliations: dict[str, Any] = written.get("affiliations", {})
    fields["affiliations"] = affiliations.get("institutions", [])
    return fields | affiliations


@cache
def _sample_readings() -> dict[str, dict[str, Any]]:
    """The hand-written reading tasks by the titles of their papers."""
    titles = {arxiv_id: title for title, arxiv_id in _sample_titles().items()}
    readings = {}
    for path in (SAMPLE / "answers").iterdir():
        written = yaml.safe_load(path.read_text(encoding="utf-8"))
        if "reading" in written:
            readings[titles[path.stem]] = written["reading"]
    return readings


def _translation(question: Question) -> dict[str, Any]:
    """The hand-written translation of a sample's sentences, else a test translation."""
    sentences = question.passages.get("sentences", "").split("\n")
    words = question.passages.get("words", "").split("\n")
    sentence_template, meaning = TRANSLATIONS.get(question.language, TRANSLATIONS["en"])
    written = _sample_translation(sentences, question.language)
    made = []
    for number, text in enumerate(sentences, 1):
        made.append(sentence_template.format(number=number, code=_code(text)))
    written_meanings = written.get("meanings", {})
    meanings = []
    for word in words:
        if word:
            meanings.append({"word": word, "meaning": written_meanings.get(word, meaning)})
    return {"sentences": written.get("sentences") or made, "meanings": meanings}


def _sample_translation(sentences: list[str], language: str) -> dict[str, Any]:
    """The hand-written translation of these sentences; empty if there is none."""
    for reading in _sample_readings().values():
        if reading["zh"] == sentences:
            translation: dict[str, Any] = reading.get(language, {})
            return translation
    return {}


def _preference(question: Question) -> dict[str, Any]:
    """The text that repeats more of the abstract's numbers is better, wherever it stands."""
    numbers = _digits(question.passages.get("abstract", ""))
    first = len(numbers & _digits(question.passages.get("first", "")))
    second = len(numbers & _digits(question.passages.get("second", "")))
    reason = f"Test answer: {first} and {second} numbers of the abstract are repeated."
    if first == second:
        return {"reason": reason, "better": "equal"}
    return {"reason": reason, "better": "first" if first > second else "second"}


def _support(question: Question) -> dict[str, Any]:
    """A sentence is supported if title and abstract have the digits of its numbers."""
    source = f"{question.title} {question.passages.get('abstract', '')}"
    unknown = sorted(_digits(question.passages.get("sentence", "")) - _digits(source))
    return {"unsupported": ", ".join(unknown), "supported": not unknown}


def _digits(text: str) -> set[str]:
    """The numbers of a text as written, with a point between whole and fraction."""
    return {number.replace(",", ".") for number in re.findall(r"\d+(?:[.,]\d+)?", text)}


def _made_sentences(question: Question) -> list[str]:
    """Simple Chinese sentences of a test answer, which quote words of the title."""
    code = _code(question.title + question.passages.get("abstract", ""))
    words = COMMAS["zh"].join(quotable(question.title)[:3]) or code
    return [sentence.format(code=code, words=words) for sentence in SENTENCES]


def _code(text: str) -> str:
    """A few letters that distinguish one text from another."""
    digest = hashlib.sha256(text.encode()).digest()
    return "".join(CODE_LETTERS[byte % len(CODE_LETTERS)] for byte in digest[:CODE_LENGTH])


def _made_answer(question: Question) -> dict[str, Any]:
    """A test answer, with a value for every known field."""
    language = question.language if question.language in TEXTS else "en"
    abstract = question.passages.get("abstract", question.user)
    source = f"{question.title}\n{abstract}"
    code = _code(source)
    title_words = quotable(question.title)
    words = quotable(abstract) or title_words
    half = (len(words) + 1) // 2
    institutions = institution_lines(question)
    return {
        "title": _made_title(language, code, title_words),
        "text": TEXTS[language].format(
            code=code,
            first=_listed(words[:half], language) or code,
            rest=_listed(words[half:], language) or code,
        ),
        "emoji": EMOJI[hashlib.sha256(source.encode()).digest()[-1] % len(EMOJI)],
        "topics": supported_topics(question.system, f"{question.title} {abstract}"),
        "institutions": institutions,
        "affiliations": institutions,
        "authors": {},
    }


def _made_title(language: str, code: str, words: list[str]) -> str:
    """A title that quotes up to three of the words, as many as its length allows."""
    opening, about = TITLES[language]
    bare_title = opening.format(code=code)
    most = TITLE_CHARACTERS.get(language, DEFAULT_TITLE_CHARACTERS)
    title = bare_title
    for count in range(1, min(len(words), 3) + 1):
        longer = f"{bare_title}{about}{_listed(words[:count], language)}"
        if len(longer) > most:
            break
        title = longer
    return title


def _listed(words: list[str], language: str) -> str:
    """The words with commas between them, in capitals for Russian.

    The guardrails reject lower-case English words in Russian prose.
    """
    cased = [word.upper() for word in words] if language == "ru" else words
    return COMMAS.get(language, DEFAULT_COMMA).join(cased)


def quotable(text: str) -> list[str]:
    """The longest words that are not common in papers, at most six, in their order in the text."""
    spelled: dict[str, str] = {}
    for word in WORD.findall(NOISE.sub(" ", text)):
        spelled.setdefault(word.lower(), word)
    rare = [word for lower, word in spelled.items() if lower not in COMMON]
    longest = sorted(rare, key=len, reverse=True)[:MOST_QUOTED]
    return [word for word in rare if word in longest]


def supported_topics(system: str, text: str) -> list[str]:
    """Topics listed in the prompt (`- NAME: scope`) that fit the text, at most four, best first.

    A topic fits if the text contains its name or several rare words of its name and scope. If no
    topic fits, one rare word is enough for the first that shares one.
    """
    scopes = {}
    for topic in LISTED_TOPIC.finditer(system):
        scopes[topic["name"]] = _stems(f"{topic['name']} {topic['scope']}")
    frequency: Counter[str] = Counter()
    for stems in scopes.values():
        frequency.update(stems)
    text_stems = _stems(text)
    shared = {}
    for name, stems in scopes.items():
        rare = [stem for stem in stems & text_stems if frequency[stem] <= RARE_IN_SCOPES]
        if rare:
            shared[name] = len(rare)
    ranked = sorted(shared, key=lambda name: -shared[name])
    fitting = [name for name in ranked if shared[name] > 1 or _stems(name) <= text_stems]
    return fitting[:MOST_TOPICS] or ranked[:1]


def institution_lines(question: Question) -> list[str]:
    """Parts of the passages, title and abstract aside, that look like institutions; each once."""
    institutions: list[str] = []
    for name, text in question.passages.items():
        if name in ("title", "abstract"):
            continue
        for part in re.split(r"[\n,;]", text):
            part = part.strip(" .*†‡§¶0123456789")
            if _looks_like_institution(part) and part not in institutions:
                institutions.append(part)
    return institutions


def _looks_like_institution(part: str) -> bool:
    is_short = len(part) <= INSTITUTION_CHARACTERS and len(part.split()) <= INSTITUTION_WORDS
    has_marker = bool(MARKER.search(part))
    return is_short and not has_marker and bool(INSTITUTION.search(part))


def _stems(text: str) -> set[str]:
    """The text's words in lower case without a final "s", common words excluded."""
    words = re.findall(r"\b(?:[A-Za-z]{4,}|\d[A-Z]|[A-Z]{2,3})\b", text.replace("_", " "))
    stems = set()
    for word in words:
        lower = word.lower()
        if lower not in COMMON:
            stems.add(lower.removesuffix("s"))
    return stems


def _shaped(value: Any, schema: Mapping[str, Any]) -> Any:
    """The value in the shape that the schema asks for; an unknown value is empty."""
    if value is None:
        empty = {"string": "", "array": [], "object": {}, "boolean": False}
        empty |= {"integer": 0, "number": 0}
        return empty.get(schema.get("type", ""))
    if isinstance(value, dict) and schema.get("type") == "array":
        return _listed_objects(value, schema)
    return value


def _listed_objects(value: Mapping[str, Any], schema: Mapping[str, Any]) -> list[Any]:
    """A map, such as institutions by author, as the list of objects that the schema asks for.

    Strict schemas have no maps. The key goes into the plain properties and the value into the
    arrays. If the schema describes no properties, the keys alone are listed.
    """
    properties = schema.get("items", {}).get("properties", {})
    objects: list[Any] = []
    for key, items in value.items():
        fields = {}
        for name, part in properties.items():
            fields[name] = items if part.get("type") == "array" else key
        objects.append(fields or key)
    return objects
