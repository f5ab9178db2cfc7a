"""Processes that run `papers` without the second that its imports take.

`Warm` starts one process that imports everything and forks for each command. A forked command ends
as a process of its own does: by its status, or by a signal.
"""

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from papers_pipeline.settings import setting_names

ROOT = Path(__file__).parents[2]
MODULES = "modules.json"
BEFORE_THE_FIRST = (
    "papers_pipeline.cli.main",
    "papers_pipeline.runner",
    "pydantic_ai.models.anthropic",
    "pydantic_ai.models.mistral",
    "pydantic_ai.models.openai",
)
"""Imported at once. The other modules are those that the first command imports too."""


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit status, or the negative number of a signal; and its output."""

    status: int
    output: str


class Warm:
    """Runs commands in `folder`, one after another."""

    def __init__(self, folder: Path, server: subprocess.Popen[str]) -> None:
        self._folder = folder
        self._server = server

    def papers(
        self, *arguments: str, environment: Mapping[str, str], now: datetime, **steps: Any
    ) -> Ended:
        """Run `papers` at a given time with more environment.

        `steps` are the arguments of `faults.Steps`, if the steps of the command are to be watched.
        """
        output = self._folder / "output"
        command = {
            "arguments": arguments,
            "environment": dict(environment),
            "now": now.isoformat(),
            "output": str(output),
            "steps": {name: str(value) for name, value in steps.items()},
        }
        assert self._server.stdin
        assert self._server.stdout
        self._server.stdin.write(json.dumps(command) + "\n")
        self._server.stdin.flush()
        status = int(self._server.stdout.readline())
        return Ended(status, output.read_text(encoding="utf-8"))


@contextmanager
def warm(folder: Path) -> Iterator[Warm]:
    """A warm process in `folder`, which also takes its scratch files. No setting reaches it."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = set(setting_names())
    environment = {name: value for name, value in os.environ.items() if name not in settings}
    environment |= {"PYTHONPATH": str(ROOT), "TMPDIR": str(folder), "OPENBLAS_NUM_THREADS": "1"}
    with subprocess.Popen(
        [sys.executable, "-m", __name__, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder,
        env=environment,
    ) as server:
        yield Warm(folder, server)
        assert server.stdin
        server.stdin.close()


def _serve(folder: Path) -> None:
    """Fork for each line of stdin; print the status of each."""
    import gc
    import importlib

    for name in BEFORE_THE_FIRST:
        importlib.import_module(name)

    is_warm = False
    for line in sys.stdin:
        if not is_warm and (folder / MODULES).exists():
            # What the first command had imported at its end.
            for name in json.loads((folder / MODULES).read_text(encoding="utf-8")):
                try:
                    importlib.import_module(name)
                except Exception:  # a module that only its package can import
                    continue
            _load_all()
            gc.collect()
            gc.freeze()
            is_warm = True
        child = os.fork()
        if child == 0:
            _run(json.loads(line), folder)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _load_all() -> None:
    """Load the dictionaries and language models that the product loads once per process."""
    from papers_pipeline.base.loaded_once import LoadedOnce

    for name, module in list(sys.modules.items()):
        if name.startswith("papers_pipeline."):
            for value in list(vars(module).values()):
                if isinstance(value, LoadedOnce):
                    value()


def _run(command: dict[str, Any], folder: Path) -> None:
    """Run one command in this process, and end it."""
    output = os.open(command["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for descriptor in (1, 2):
        os.dup2(output, descriptor)
    os.environ.update(command["environment"])
    status: Any = 1
    try:
        _main(command)
    except SystemExit as error:
        status = error.code
    except BaseException:
        traceback.print_exc()
    if not (folder / MODULES).exists():
        (folder / MODULES).write_text(json.dumps(list(sys.modules)), encoding="utf-8")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status or 0)


def _main(command: dict[str, Any]) -> None:
    import asyncio

    from papers_pipeline.base.clock import FixedClock
    from papers_pipeline.cli.main import main
    from papers_pipeline.documents.pool import Workers
    from papers_pipeline_tests.helpers.faults import Steps

    async def here(workers: Workers, function: Any, *arguments: Any) -> Any:
        return await asyncio.to_thread(function, *arguments)

    # A worker takes a second to start. It writes nothing.
    Workers.run = here
    steps = command["steps"]
    if steps:
        Steps(Path(steps.pop("folder")), Path(steps.pop("journal")), **steps).watch()
    main(command["arguments"], obj=FixedClock(datetime.fromisoformat(command["now"])))


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
