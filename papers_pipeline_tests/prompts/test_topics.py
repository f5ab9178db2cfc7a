"""The list of topics is complete, and its rules tag what a paper is about, not what it mentions."""

import re
from pathlib import Path

import pytest

import papers_pipeline
from papers_pipeline.prompts.topics import Topic, keyword_topics, load_topics

TOPICS = load_topics(
    (Path(papers_pipeline.__file__).parent / "prompts" / "topics.yaml").read_text(encoding="utf-8")
)

# The topics in order, each with an invented paper: a title, and an abstract that has the
# topic without the title.
ONE_OF_EACH = {
    "DATASET": (
        "Kettles of the World",
        "We introduce KettleSet, a large dataset of labelled kettles.",
    ),
    "DATA": (
        "Sweeping the Web",
        "A cheap pass of data cleaning removes pages that repeat one another.",
    ),
    "BENCHMARK": ("Who Folds Best", "We propose a new benchmark of folded napkins."),
    "AGENTS": ("Clerks at Work", "Several web agents book a ferry and argue about the price."),
    "CV": (
        "Seeing Rust",
        "An image of a bridge is cut by semantic segmentation into rust and paint.",
    ),
    "RL": (
        "Learning to Queue",
        "Deep reinforcement learning with a sparse reward teaches patience.",
    ),
    "RLHF": ("What People Like", "RLHF makes replies shorter."),
    "RAG": ("Looking It Up", "Retrieval-augmented generation (RAG) answers from the archive."),
    "PLP": ("Mending Scripts", "Our tool for code repair fixes a script overnight."),
    "INFERENCE": ("Light Weights", "Post-training quantization halves the memory."),
    "3D": ("Rooms from Photographs", "Gaussian splatting rebuilds a room."),
    "AUDIO": ("Hearing Bees", "Speech recognition is adapted to the hum of bees."),
    "VIDEO": ("Moving Clouds", "Video generation of clouds that drift."),
    "MULTIMODAL": ("Maps and Words", "A multimodal model joins the modalities of maps and words."),
    "MATH": ("Counting Tiles", "Theorem proving by tiles."),
    "MULTILINGUAL": ("Many Tongues", "A multilingual reader of menus, tried in 30 languages."),
    "ARCHITECTURE": ("Braids", "A novel architecture of braided cells."),
    "HEALTHCARE": ("Reading Charts", "Clinical notes of a ward are summed up for its patients."),
    "TRAINING": ("Warm Starts", "A training recipe that starts warm."),
    "ROBOTICS": ("Folding Towels", "Robotic manipulation of towels."),
    "SMALL_MODELS": ("Pocket Readers", "A small language model fits into a watch."),
    "AGI": ("What Would Count", "We ask what artificial general intelligence, or AGI, would be."),
    "GAMES": ("Endgames", "The game of chess is learned from its endings."),
    "INTERPRETABILITY": ("Inside the Box", "Mechanistic interpretability of a sorting network."),
    "REASONING": ("Step after Step", "Chain-of-thought prompts improve logical reasoning."),
    "TRANSFER_LEARNING": (
        "From Cats to Lynxes",
        "Transfer learning moves a classifier of cats to lynxes.",
    ),
    "GRAPHS": ("Friends of Friends", "A graph neural network predicts acquaintance."),
    "ETHICS": ("Fair Shares", "We measure gender bias in loan letters."),
    "SECURITY": ("Locks", "A jailbreak that survives paraphrase."),
    "OPTIMIZATION": ("Downhill", "An optimizer with a proof of convergence."),
    "SURVEY": ("Ten Years of Kites", "This survey orders ten years of work on kites."),
    "DIFFUSION": ("From Noise", "A latent diffusion model of handwriting."),
    "ALIGNMENT": ("Doing as Told", "We align chatbots with human values."),
    "STORY_GENERATION": ("Once upon a Time", "Story generation from a list of heroes."),
    "HALLUCINATIONS": ("Made-Up Books", "A method of hallucination detection for citations."),
    "LONG_CONTEXT": ("Whole Novels", "Long-context reading with a context window of a novel."),
    "SYNTHETIC": ("Painted Apples", "Synthetic data of apples replaces photographs."),
    "TRANSLATION": ("Ferrying Words", "Machine translation of songs, scored by BLEU."),
    "LEAKAGE": ("Seen Before", "Membership inference shows which songs were seen."),
    "OPEN_SOURCE": ("For Everyone", "We release the trained models."),
    "SCIENCE": ("The Lab Assistant", "Reading scientific literature to plan experiments."),
    "LOW_RESOURCE": ("Few Speakers", "A dictionary for a low-resource language."),
    "WORLD_MODELS": ("Foreseeing Spills", "A world model of the kitchen foresees spilled tea."),
}
NAMES = list(ONE_OF_EACH)


def tags(title: str, abstract: str = "", ai_keywords: tuple[str, ...] = ()) -> list[str]:
    return keyword_topics(TOPICS, title, abstract, ai_keywords)


def rules(*keywords: str) -> tuple[Topic, ...]:
    return (Topic(name="T", scope="A topic.", keywords=keywords),)


def test_the_list_is_complete_and_in_order() -> None:
    assert [topic.name for topic in TOPICS] == NAMES


def test_a_slug_is_the_name_in_lower_case() -> None:
    assert [topic.slug for topic in TOPICS] == [topic.name.lower() for topic in TOPICS]


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_every_topic_has_a_one_sentence_scope_and_rules_without_repeats(topic: Topic) -> None:
    assert topic.scope.count(".") == 1
    assert topic.scope.endswith(".")
    assert len(set(topic.keywords)) == len(topic.keywords) >= 2


@pytest.mark.parametrize("name", NAMES)
def test_every_topic_is_reached_from_an_abstract_alone(name: str) -> None:
    title, abstract = ONE_OF_EACH[name]
    assert name not in tags(title)
    assert name in tags(title, abstract)


@pytest.mark.parametrize("name", NAMES)
def test_what_the_abstract_tells_the_title_tells_too(name: str) -> None:
    title = ONE_OF_EACH[name][1]
    assert name in tags(title)


@pytest.mark.parametrize(
    ("title", "abstract", "expected"),
    [
        (
            "Lanterns: A Benchmark for Web Agents",
            "Buying a lantern online takes patience. We introduce Lanterns, a benchmark of 300 "
            "shops, and find that agents leave most of them with empty hands.",
            ["BENCHMARK", "AGENTS"],
        ),
        (
            "Teaching a Quadruped to Skate",
            "A legged robot learns to skate by reinforcement learning (RL) in a simulator. "
            "The policy runs on ice without further tuning.",
            ["RL", "ROBOTICS"],
        ),
        (
            "Quieter Caches",
            "We merge similar entries of the KV cache, which lowers latency by a third and costs "
            "no accuracy.",
            ["INFERENCE"],
        ),
        (
            "Lullabies in Quechua",
            "Lullabies are seldom recorded. We collect a corpus of sung speech in an endangered "
            "language and release the audio and the models.",
            ["DATASET", "AUDIO", "OPEN_SOURCE", "LOW_RESOURCE"],
        ),
        ("On Tea", "We drank it, and it was good.", []),
    ],
)
def test_an_invented_paper_gets_exactly_its_tags(
    title: str, abstract: str, expected: list[str]
) -> None:
    assert tags(title, abstract) == expected


@pytest.mark.parametrize(
    "title",
    [
        "Ragged Edges of Dragons and Fragments",
        "A URL for Every Pearl",
        "The Aftermath of Mathias",
        "Videography as Audiology",
        "Reagents for the Dye",
        "Editing the Audit",
        "Retrieval of Lost Keys",
        "Seasoning",
        "Models of the Real World",
        "The Imagery of Imagination",
    ],
)
def test_a_word_inside_another_word_is_no_hit(title: str) -> None:
    assert tags(title, title) == []


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Game Theory of Auctions", "GAMES"),
        ("A Training-Free Way", "TRAINING"),
        ("Prompt Optimization by Hand", "OPTIMIZATION"),
        ("Vector Quantization of Colours", "INFERENCE"),
        ("Using Open-Source Models at Work", "OPEN_SOURCE"),
        ("Image-to-Image Translation of Maps", "TRANSLATION"),
        ("Peer Review at Scale", "SURVEY"),
        ("Lessons of Data Science", "SCIENCE"),
        ("The Moral Lean of Managers", "MATH"),
        ("How to polish Brass", "MULTILINGUAL"),
    ],
)
def test_a_word_in_its_other_sense_is_no_hit(title: str, name: str) -> None:
    assert name not in tags(title)


@pytest.mark.parametrize(
    ("abstract", "name"),
    [
        ("Unlike diffusion models, ours counts down.", "DIFFUSION"),
        ("It holds for any dataset, be the dataset small or large.", "DATASET"),
        ("We evaluate on a standard benchmark, and on one more benchmark.", "BENCHMARK"),
        ("It may serve law, finance and medical work.", "HEALTHCARE"),
        ("It beats other open-source models.", "OPEN_SOURCE"),
        ("It answers, translates and helps with coding.", "PLP"),
        ("Long-context tasks stay out of scope.", "LONG_CONTEXT"),
        ("It is a step towards world models.", "WORLD_MODELS"),
    ],
)
def test_a_passing_mention_in_the_abstract_is_no_tag(abstract: str, name: str) -> None:
    assert name not in tags("Untitled", abstract)


def test_two_rules_may_meet_across_the_abstract_and_its_keywords() -> None:
    assert tags("Untitled", "A diffusion of tea.") == []
    assert tags("Untitled", "A diffusion of tea.", ("flow matching",)) == ["DIFFUSION"]
    assert tags("Untitled", "", ("diffusion", "flow matching")) == ["DIFFUSION"]


def test_one_rule_hit_twice_counts_once_in_the_abstract() -> None:
    topics = rules("tea", "milk")
    assert keyword_topics(topics, "Untitled", "Tea and tea.", ["tea"]) == []
    assert keyword_topics(topics, "Untitled", "Tea and milk.", []) == ["T"]


def test_one_rule_in_the_title_or_one_marked_rule_anywhere_is_enough() -> None:
    topics = rules("tea", "+milk")
    assert keyword_topics(topics, "On tea", "", []) == ["T"]
    assert keyword_topics(topics, "Untitled", "With milk.", []) == ["T"]
    assert keyword_topics(topics, "Untitled", "", ["milk"]) == ["T"]


@pytest.mark.parametrize(
    "title", ["Tea cup", "TEA CUPS", "the tea-cup", "tea\n cups", "tea–cup", "tea_cup"]
)
def test_case_plural_hyphens_and_line_breaks_make_no_difference(title: str) -> None:
    assert keyword_topics(rules("tea cup"), title, "", []) == ["T"]


@pytest.mark.parametrize(
    ("title", "met"),
    [
        ("We brew tea", True),
        ("We brew a mild, cheap tea", True),
        ("We brew coffee. Others like tea", False),
        ("We brew coffee with tea", False),
        ("We brew one two three four five six seven eight nine tea", False),
    ],
)
def test_a_gap_in_a_rule_stays_within_one_phrase(title: str, met: bool) -> None:
    assert keyword_topics(rules("brew ... tea"), title, "", []) == (["T"] if met else [])


def test_words_in_web_addresses_do_not_count() -> None:
    assert (
        keyword_topics(rules("tea"), "See https://example.org/tea/tea-cup for more", "", []) == []
    )


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("A: {scope: S.}", "topics: expected a list of topics, found dict"),
        ("", "topics: expected a list of topics, found NoneType"),
        ("- [", "topics: not YAML"),
        ("- TEA", "topic 1: expected a name of A-Z, 0-9 and _, found None"),
        (
            "- {name: tea, scope: S., keywords: []}",
            "topic 1: expected a name of A-Z, 0-9 and _, found 'tea'",
        ),
        ("- {name: TEA, keywords: [tea]}", "topic TEA: scope: Field required"),
        ("- {name: TEA, scope: ' ', keywords: [tea]}", "topic TEA: scope: is empty"),
        (
            "- {name: TEA, scope: S., keywords: tea}",
            "topic TEA: keywords: Input should be a valid tuple",
        ),
        (
            "- {name: TEA, scope: S., keywords: [tea], colour: red}",
            "topic TEA: colour: Extra inputs",
        ),
        (
            "- {name: TEA, scope: S., keywords: ['(tea']}",
            r"topic TEA: rule '(tea' is no regular expression",
        ),
        (
            "- {name: TEA, scope: S., keywords: ['(tea)?']}",
            r"topic TEA: rule '(tea)?' matches an empty text",
        ),
        (
            "- {name: TEA, scope: S., keywords: [tea]}\n- {name: TEA, scope: S., keywords: [tea]}",
            "topic TEA: the name is listed twice",
        ),
    ],
)
def test_a_faulty_list_is_refused_with_the_topic_and_the_fault(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(fault)}"):
        load_topics(text)
