"""A day as the script before this project built it: everything one after another.

    python -m benchmarks.old_script URL DAY FOLDER

For each paper of the list at URL, it downloads the PDF and the HTML, reads the PDF twice with
pdfminer (for the authors and for the sections), deletes it, and asks a model seven times.
The answers are thrown away: what counts is the time.
"""

import sys
from pathlib import Path

import requests
from pdfminer.high_level import extract_text

from papers_pipeline.base.model_providers import PROVIDERS
from papers_pipeline.sandbox.providers import base_path

QUESTIONS = (
    "Extract the affiliations of all authors.",
    "Retell the abstract in Russian.",
    "Write a title in Russian.",
    "Retell the abstract in English.",
    "Write a title in English.",
    "Retell the abstract in Chinese.",
    "Classify the paper by topic.",
)
BEGINNING_CHARACTERS = 1000
TIMEOUT_SECONDS = 120


def main(url: str, day: str, folder: Path) -> None:
    listed = requests.get(f"{url}/api/daily_papers?date={day}&limit=100", timeout=60)
    for entry in listed.json():
        paper = entry["paper"]
        beginning = read_documents(url, paper["id"], folder)
        for question in QUESTIONS:
            ask(url, question, f"{paper['title']}\n{paper['summary']}\n{beginning}")


def read_documents(url: str, arxiv_id: str, folder: Path) -> str:
    """Download a paper's documents and return the beginning of its text."""
    pdf = folder / f"{arxiv_id}.pdf"
    pdf.write_bytes(requests.get(f"{url}/pdf/{arxiv_id}", timeout=TIMEOUT_SECONDS).content)
    beginning: str = extract_text(pdf)[:BEGINNING_CHARACTERS]
    extract_text(pdf)
    pdf.unlink()
    requests.get(f"{url}/html/{arxiv_id}", timeout=TIMEOUT_SECONDS)
    return beginning


def ask(url: str, question: str, text: str) -> None:
    """Ask a model and wait for its answer."""
    body = {
        "model": "gpt-6-luna",
        "messages": [
            {"role": "system", "content": question},
            {"role": "user", "content": text},
        ],
    }
    address = f"{url}{base_path(PROVIDERS['openai'])}/chat/completions"
    headers = {"Authorization": "Bearer key-of-the-sandbox"}
    requests.post(address, json=body, headers=headers, timeout=TIMEOUT_SECONDS).raise_for_status()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
