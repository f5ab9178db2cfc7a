"""The packages of the environment: known vulnerabilities, and a list of what is installed.

`make audit-packages` runs it. The exit status is 1 if a package has a known vulnerability or the
database could not be asked about it. Both tools are run by `uv tool run`: they have 60 dependencies
that nothing else here needs.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SBOM = ROOT / "data" / "sbom.json"
PIP_AUDIT = "pip-audit==2.10.1"
CYCLONEDX = "cyclonedx-bom==7.5.0"


def main() -> int:
    write_sbom(SBOM)
    print(f"{SBOM.relative_to(ROOT)} lists what is installed, with licences (CycloneDX)")
    audited = audit(ROOT / "requirements.lock")
    if "Traceback" in audited.stderr:
        print("The OSV database could not be asked:", audited.stderr.strip().splitlines()[-1])
        return 1
    print(audited.stdout, audited.stderr, sep="\n")
    return audited.returncode


def write_sbom(path: Path) -> None:
    """Write the CycloneDX list of the packages of this environment."""
    path.parent.mkdir(exist_ok=True)
    listed = ["environment", sys.executable, "--pyproject", "pyproject.toml"]
    written = ["--output-reproducible", "--output-file", str(path)]
    _tool(CYCLONEDX, "cyclonedx-py", *listed, *written).check_returncode()


def audit(lock: Path) -> "subprocess.CompletedProcess[str]":
    """Ask OSV about every package of a lock file. `--strict`: none may be left out."""
    asked = ["--requirement", str(lock), "--require-hashes", "--disable-pip", "--strict"]
    return _tool(PIP_AUDIT, "pip-audit", *asked, "--vulnerability-service", "osv")


def _tool(package: str, program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    uv = Path(sys.executable).with_name("uv")
    command = [str(uv), "tool", "run", "--quiet", "--from", package, program, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


if __name__ == "__main__":
    sys.exit(main())
