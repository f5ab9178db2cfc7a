"""The files of `deploy/` name programs, folders and settings that exist."""

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
UNITS = sorted((ROOT / "deploy" / "systemd").glob("*.service"))
HOME = "/srv/papers/app"


def values(unit: Path, key: str) -> list[str]:
    """What a unit says under this key, line by line."""
    return re.findall(rf"^{key}=(.*)$", unit.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_runs_programs_of_the_environment(unit: Path):
    started = values(unit, "ExecStart") + values(unit, "ExecStartPre")
    assert len(started) == 2
    for command in started:
        program, *arguments = command.split()
        folder, _, name = program.rpartition("/")
        assert folder == f"{HOME}/.venv/bin"
        assert Path(sys.executable).with_name(name).is_file()
        if "-w" in arguments:
            assert (ROOT / arguments[arguments.index("-w") + 1]).is_file()


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_writes_only_below_the_data(unit: Path):
    (writable,) = values(unit, "ReadWritePaths")
    assert writable == f"{HOME}/data"
    (environment,) = values(unit, "Environment")
    assert environment == f"DAGSTER_HOME={writable}/dagster"
    assert values(unit, "ProtectSystem") == ["strict"]
    assert values(unit, "NoNewPrivileges") == ["yes"]


def test_the_ui_is_open_to_its_own_machine_alone():
    (started,) = values(ROOT / "deploy/systemd/papers-webserver.service", "ExecStart")
    assert "-h 127.0.0.1" in started


def test_the_guide_names_every_unit():
    guide = (ROOT / "docs" / "deploying.md").read_text(encoding="utf-8")
    assert "deploy/systemd/papers-*.service" in guide
    for unit in UNITS:
        assert unit.stem in guide
