"""A model as a judge: both orders, cached answers, one question for each sentence."""

from papers_pipeline.base import loop
from papers_pipeline.base.per_paper import NullProgress
from papers_pipeline.enrichment.stages.summaries import WrittenSummary
from papers_pipeline.evaluation.answers import Answered
from papers_pipeline.evaluation.judge import (
    Judgement,
    PairFigures,
    Preference,
    Questions,
    judge,
    questions_about,
)
from papers_pipeline.sandbox.world import Reply
from papers_pipeline_tests.helpers.buying import Desk
from papers_pipeline_tests.helpers.outside import Outside

MODEL = "openai:gpt-6-luna"
ABSTRACT = "KettleNet reduces late warnings by 41% on 12 kettles."


def texts(*texts: str) -> list[Answered]:
    answers = []
    for number, text in enumerate(texts):
        output = WrittenSummary(title="Kettles warn", text=text)
        answers.append(Answered(f"2603.{number}", f"Kettle {number}", ABSTRACT, output))
    return answers


def judged(desk: Desk, questions: Questions) -> Judgement:
    asking = judge(questions, models=desk.models, concurrency=4, progress=NullProgress())
    return loop.run(asking)


def test_every_provider_answers_the_judges_questions(outside: Outside, tmp_path):
    for model in (MODEL, "mistral:mistral-small-latest", "anthropic:claude-haiku-5-5"):
        desk = Desk(outside, tmp_path / model)
        ours = texts("It falls by 41%. On 12 kettles.", "It boils.")
        theirs = texts("It falls by 99%.", "It boils. On 12 kettles.")
        result = judged(desk, questions_about("en", model, ours, theirs))
        assert result.pairs is not None
        assert (result.pairs.ours, result.pairs.theirs, result.pairs.tie) == (1, 1, 0)
        assert result.pairs.split == 0
        assert (result.ours.sentences, result.ours.supported) == (5, 5)
        assert result.theirs is not None
        (wrong,) = result.theirs.unsupported
        assert (wrong.arxiv_id, wrong.sentence) == ("2603.0", "It falls by 99%.")
        assert wrong.words == "99"
        assets = {spending.asset for spending in desk.spendings()}
        assert assets == {"eval_pairs", "eval_support"}


def test_the_same_questions_are_free_the_second_time(outside: Outside, tmp_path):
    desk = Desk(outside, tmp_path)
    questions = questions_about("en", MODEL, texts("It falls by 41%."), texts("It boils."))
    calls, usd = questions.cost(desk.models)
    # The title of both sides is one sentence, asked once; then two texts, and a pair in two orders.
    assert calls == 5
    assert usd is not None
    assert usd > 0
    first = judged(desk, questions)
    assert len(outside.world.calls) == 5
    assert questions.cost(desk.models) == (0, 0.0)
    assert judged(desk, questions).pairs == first.pairs
    assert len(outside.world.calls) == 5


def test_a_judge_that_prefers_the_first_text_gives_no_win():
    pairs = PairFigures()
    first = Preference(reason="First.", better="first")
    pairs.add("1", first, first)
    pairs.add("2", first, Preference(reason="Second.", better="second"))
    pairs.add("3", Preference(reason="None.", better="equal"), first)
    assert (pairs.ours, pairs.theirs, pairs.tie, pairs.split) == (1, 0, 2, 1)
    assert (pairs.first, pairs.second, pairs.answers) == (4, 1, 6)
    assert pairs.reasons == {"2": "ours: First."}


def test_the_judge_does_not_know_the_sides_and_sees_fenced_texts():
    (pair,) = questions_about("en", MODEL, texts("Ours."), texts("Theirs.")).pairs or ()
    for question in (pair.ours_first, pair.theirs_first):
        sent = question.prompt.messages(**question.variables)
        assert "ours" not in (sent.system + sent.user).replace("Ours.", "")
        assert sent.user.count("<first-") == sent.user.count("</second-") == 1
    assert pair.ours_first.variables["first"] == pair.theirs_first.variables["second"]


def test_questions_without_an_answer_are_counted_not_guessed(outside: Outside, tmp_path):
    desk = Desk(outside, tmp_path)
    outside.world.replies.append(Reply(kind="refusal", times=99))
    result = judged(desk, questions_about("en", MODEL, texts("It falls by 41%.")))
    assert result.ours.share is None
    assert result.unjudged == {"refused": 2}


def test_a_spent_budget_stops_the_judge(outside: Outside, tmp_path):
    desk = Desk(outside, tmp_path)
    desk.models.daily_budget_usd = 0.0
    result = judged(desk, questions_about("en", MODEL, texts("It falls by 41%.")))
    assert result.unjudged == {"budget": 2}
    assert outside.world.calls == []
