"""A site of a few paper pages in every language."""

from pathlib import Path

HTML = {"ru": "ru", "en": "en", "zh": "zh-Hans"}
PAPERS = {
    "2603.00001": {
        "ru": (
            "Мосты учатся считать ветер",
            "Модель обучается на данных датчиков и предсказывает порывы ветра.",
        ),
        "en": (
            "Bridges learn to count the wind",
            "The model is trained on sensor data and foresees gusts.",
        ),
        "zh": ("桥梁学会计算风", "研究者用强化学习训练大语言模型，让桥梁提前预测阵风。"),
        "author": "Wanjiru Okonkwo",
    },
    "2603.00002": {
        "ru": ("Робот складывает ткань на ощупь", "Манипулятор узнаёт складки без камеры."),
        "en": ("A robot folds cloth by touch", "The arm finds creases without a camera."),
        "zh": ("机器人凭触觉折叠布料", "机械臂无需摄像头即可找到褶皱。"),
        "author": "Tove Lindqvist",
    },
}


def paper_page(arxiv_id: str, language: str) -> str:
    """The parts of a paper's page that the search reads."""
    title, text = PAPERS[arxiv_id][language]
    return (
        f'<!doctype html><html lang="{HTML[language]}">'
        f'<head><meta charset="utf-8"><title>{title}</title></head>'
        "<body><nav>Навигация</nav>"
        f'<article data-arxiv-id="{arxiv_id}" data-pagefind-body'
        ' data-pagefind-meta="arxiv[data-arxiv-id]">'
        f'<h1 data-pagefind-meta="title">{title}</h1>'
        f"<p>{text}</p><p>{PAPERS[arxiv_id]['author']}</p>"
        '<ul><li data-pagefind-filter="topic[data-topic]" data-topic="rag">RAG</li></ul>'
        "</article></body></html>"
    )


def write_papers(site: Path, *ids: str) -> None:
    """Write the pages of these papers in every language."""
    for language in HTML:
        (site / language / "p").mkdir(parents=True, exist_ok=True)
        for arxiv_id in ids or PAPERS:
            (site / language / "p" / f"{arxiv_id}.html").write_text(
                paper_page(arxiv_id, language), encoding="utf-8"
            )
