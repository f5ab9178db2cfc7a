"""Send the built site to where readers find it: a folder, another machine by rsync, or the branch gh-pages of a git
remote. Names that begin with a dot are no part of a site: they are neither sent nor removed, here or there."""

import hashlib
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import BaseModel, ValidationError, field_validator
from upath import UPath

from papers_pipeline.base.errors import OperatorError
from papers_pipeline.store import files as storage

TARGETS = "a folder, rsync:host:/path, rsync:/path or gh-pages:<git remote>"
MANIFEST = ".papers-published.json"
BRANCH = "refs/heads/gh-pages"
OF_ANOTHER_REPOSITORY = {
    *(
        "GIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    ),
    *("GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_PREFIX"),
}
"""What git sets where it runs a hook, which in turn may run us."""
PATIENCE_SECONDS = 1800
"""No program is waited for longer: a publishing that hangs would keep the site's lock, and with it every build."""

DAY_AND_PAPER = ("d", "p")
WAYS_IN = (
    "index.html",
    "404.html",
    "feed.xml",
    "feed.json",
    "sitemap.xml",
    "robots.txt",
    "pagefind-entry.json",
)


class PublishError(OperatorError):
    """The site could not be published; the message names the target, what was wrong and the way out."""


@dataclass(frozen=True)
class Published:
    """What was done: how many files the site has, how many were sent or removed because they differed, and the target
    without the password or token that its URL may hold."""

    files: int
    changed: int
    target: str

    def __str__(self) -> str:
        return f"{self.target}: {self.files:,} files, {self.changed:,} changed"


def publish(site: UPath, target: str) -> Published:
    """Make ``target`` show the site, local or on a bucket, and touch nothing that shows it already.

    Raises PublishError for a target of no known form, a site that was never built, and whatever goes wrong on the way.
    """
    send, place = _way(target)
    with _on_this_machine(site) as folder:
        files = _files(folder)
        if "index.html" not in files:
            raise PublishError(
                f"no site at {site}: build a day first, `papers build --date latest`"
            )
        try:
            changed = send(folder, files, place)
        except OSError as error:
            raise PublishError(
                f"{_shown(target)}: {error.strerror or error} ({error.filename}); what was written is whole: mend it, "
                "and publish again"
            ) from error
    return Published(len(files), changed, _shown(target))


def _way(target: str) -> tuple[Callable[[Path, Sequence[str], str], int], str]:
    """What sends to such a target, and the target without the name of its kind."""
    kind, colon, place = target.partition(":")
    ways = {"rsync": _to_rsync, "gh-pages": _to_branch}
    if (
        not colon or "/" in kind
    ):  # a folder whose name holds a colon can be written with ./ in front
        kind, place = "folder", target
        ways = {"folder": _to_folder}
    if kind not in ways:
        raise PublishError(f"{_shown(target)}: no kind of target is named {kind}: name {TARGETS}")
    if not place:
        raise PublishError(f"{target!r} names no place: name {TARGETS}")
    return ways[kind], place


@contextmanager
def _on_this_machine(site: UPath) -> Iterator[Path]:
    """The site as a local folder: itself, or a copy of a bucket's for as long as it is needed."""
    if storage.is_local(site):
        yield Path(site.path)
        return
    with tempfile.TemporaryDirectory(prefix="papers-site-") as name:
        try:
            for remote in site.fs.find(site.path):
                local = Path(name) / PurePosixPath(remote).relative_to(site.path)
                local.parent.mkdir(parents=True, exist_ok=True)
                site.fs.get_file(remote, str(local))
        except OSError as error:
            raise PublishError(
                f"{site} cannot be read: {error}; is PAPERS_DATA_DIR right?"
            ) from error
        yield Path(name)


def _files(folder: Path) -> list[str]:
    """The site's files by their path below it. Names with a dot in front are files that are just being written."""
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(
        path.as_posix() for path in paths if not any(part.startswith(".") for part in path.parts)
    )


def _shown(text: str) -> str:
    """The text without the passwords and tokens of its URLs: it goes into logs and onto screens."""
    return re.sub(r"(https?://)[^/@\s]+@", r"\1***@", text)


def _run(
    command: Sequence[str], way_out: str, env: Mapping[str, str] | None = None, sent: bytes = b""
) -> str:
    """What the program prints. Raises PublishError when it is not installed, fails or takes too long."""
    try:
        done = subprocess.run(
            command,
            input=sent,
            capture_output=True,
            env={**(os.environ if env is None else env), "LC_ALL": "C"},
            timeout=PATIENCE_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise PublishError(
            f"{command[0]} is not installed: install it, or publish to a folder"
        ) from None
    except subprocess.TimeoutExpired:
        raise PublishError(
            f"{command[0]} was not done after {PATIENCE_SECONDS} seconds; {way_out}"
        ) from None
    if done.returncode:
        said = " ".join(_shown(done.stderr.decode(errors="replace")).split())
        raise PublishError(f"{command[0]} ended with status {done.returncode}: {said}; {way_out}")
    return done.stdout.decode()


class _Manifest(BaseModel):
    """`.papers-published.json`, format 1: the SHA-256 of every file that we wrote into a folder, as we wrote it."""

    format: Literal[1] = 1
    files: dict[str, str] = {}

    @field_validator("files")
    @classmethod
    def _stay_below(cls, files: dict[str, str]) -> dict[str, str]:
        for path in map(PurePosixPath, files):
            if path.is_absolute() or ".." in path.parts:
                raise ValueError(f"{path} lies outside the folder")
        return files


def _to_folder(folder: Path, files: Sequence[str], place: str) -> int:
    """Write what differs, then remove what the site no longer has; returns how many files that were.

    Only what an earlier publishing wrote, and nobody changed since, is removed. The manifest tells the truth after an
    error or Ctrl+C, too; after a kill it may lack files, which then stay for good.
    """
    target = Path(place).expanduser().resolve()
    _require_apart(folder, target)
    manifest = UPath(target / MANIFEST)
    ours = _read_manifest(manifest)
    changed = 0
    try:
        for path in sorted(files, key=lambda path: (_rank(path), (target / path).exists(), path)):
            data = (folder / path).read_bytes()
            if storage.write(UPath(target / path), data):
                ours[path] = hashlib.sha256(data).hexdigest()
                changed += 1
        for path in sorted(ours.keys() - set(files), key=_rank, reverse=True):
            changed += _remove(target, path, ours[path])
            del ours[path]
    finally:
        if target.is_dir():
            kept = _Manifest(files=dict(sorted(ours.items())))
            storage.write(manifest, kept.model_dump_json(indent=1).encode() + b"\n")
    return changed


def _require_apart(folder: Path, target: Path) -> None:
    """Raise PublishError where a copy of the site would land in the site, or rsync delete the data around it."""
    site = folder.resolve()
    if target.is_relative_to(site) or site.is_relative_to(target):
        raise PublishError(
            f"{target}: the site lies at {site}: name a folder that is neither around nor below it"
        )


def _rank(path: str) -> int:
    """The place of a file in the order of writing: what pages load, then pages of a day or paper, then pages that name
    several of those, and last the ways in, so that a page hardly ever names one that is not there yet."""
    folder, name = PurePosixPath(path).parent.name, PurePosixPath(path).name
    if name in WAYS_IN:
        return 3
    if not name.endswith((".html", ".xml")):
        return 0
    return 1 if folder in DAY_AND_PAPER else 2


def _read_manifest(manifest: UPath) -> dict[str, str]:
    data = storage.read(manifest)
    if data is None:
        return {}
    try:
        return _Manifest.model_validate_json(data).files
    except ValidationError as error:
        raise PublishError(
            f"{manifest}: {error.errors()[0]['msg']}; it tells which files there are ours: mend it, or delete it and "
            "by hand what the site no longer has"
        ) from None


def _remove(target: Path, path: str, sha256: str) -> bool:
    """Delete a file of ours, and the folders that are empty without it; returns False when it is no longer ours."""
    file = target / path
    if not file.is_file() or storage.sha256(UPath(file)) != sha256:
        return False
    file.unlink()
    for parent in PurePosixPath(path).parents[:-1]:
        try:
            (target / parent).rmdir()
        except OSError:  # not empty: it stays, and so do those above it
            break
    return True


def _to_rsync(folder: Path, files: Sequence[str], place: str) -> int:
    """Let rsync make the folder the site's mirror; returns how many files were sent or removed.

    Whatever else the folder holds is deleted, names with a dot in front excepted, so a home or root folder is refused.
    """
    host, _, path = place.rpartition(":") if ":" in place.partition("/")[0] else ("", "", place)
    if not path.strip("/.~") or path.startswith("//"):
        raise PublishError(
            f"rsync:{place}: names no folder that can be the site's alone: name {TARGETS}"
        )
    if not host:
        local = Path(path).expanduser().resolve()
        _require_apart(folder, local)
        local.mkdir(parents=True, exist_ok=True)
        place = str(local)
    # Sums, not times: a site copied from a bucket, or kept by a runner's cache, has new times at every publishing.
    options = (
        "--recursive",
        "--checksum",
        "--delete-after",
        "--delay-updates",
        "--exclude=.*",
        "--timeout=300",
    )
    told = ("--chmod=D755,F644", "--out-format=%i %n")
    asked = (
        f"does `ssh {host}` work, and is rsync installed there?"
        if host
        else "is the folder yours to write to?"
    )
    try:
        lines = _run(["rsync", *options, *told, "--", f"{folder}/", place], asked).splitlines()
    except PublishError as error:
        raise PublishError(f"rsync:{place}: {error}") from None
    sent = sum(line.startswith(("<f", ">f")) for line in lines)
    return sent + sum(line.startswith("*deleting") and not line.endswith("/") for line in lines)


def _to_branch(folder: Path, files: Sequence[str], place: str) -> int:
    """Make the branch gh-pages one commit with the site; returns how many of its files differ from what was there.

    A `CNAME` of the branch, in which GitHub keeps a domain of one's own, stays. Nothing is pushed when nothing differs.
    """
    local = Path(place).expanduser()
    remote = str(local.resolve()) if local.exists() else place
    with tempfile.TemporaryDirectory(prefix="papers-git-") as scratch:
        try:
            return _Git(Path(scratch), remote).show(folder, files)
        except PublishError as error:
            raise PublishError(f"gh-pages:{_shown(place)}: {error}") from None


class _Git:
    """A git folder of its own, so that neither a working repository nor the user's identity is needed or touched.

    The user's configuration stays in force for how remotes are reached: keys, credential helpers, proxies.
    """

    def __init__(self, scratch: Path, remote: str) -> None:
        kept = {
            name: value for name, value in os.environ.items() if name not in OF_ANOTHER_REPOSITORY
        }
        author = {"NAME": "papers_pipeline", "EMAIL": "papers_pipeline@localhost"}
        persons = {
            f"GIT_{role}_{what}": value
            for role in ("AUTHOR", "COMMITTER")
            for what, value in author.items()
        }
        self._env = kept | persons | {"GIT_DIR": str(scratch), "GIT_TERMINAL_PROMPT": "0"}
        # GitHub knows no other hash, which is no longer what every git makes by itself.
        self._git("init", "--quiet", "--bare", "--template=", "--object-format=sha1", str(scratch))
        self._git("config", "remote.pages.url", remote)

    def show(self, folder: Path, files: Sequence[str]) -> int:
        """Push the site unless it is there; returns how many files differ."""
        old = self._fetch()
        tree = self._tree(folder, files, old)
        if old:
            changed = self._git(
                "diff-tree", "-r", "-z", "--no-renames", "--name-only", old, tree
            ).count("\0")
        else:
            changed = len(files)
        if changed:
            commit = self._git("commit-tree", tree, "-m", "The site, by `papers publish`").strip()
            self._git("push", "--quiet", "--force", "--no-signed", "pages", f"{commit}:{BRANCH}")
        return changed

    def _fetch(self) -> str | None:
        """The branch's commit with its folders but, where the server knows how, without the files' contents; None when
        there is no branch. With it git counts what differs and pushes nothing else."""
        if not self._git("ls-remote", "pages", BRANCH):
            return None
        self._git(
            "fetch", "--quiet", "--depth=1", "--no-tags", "--filter=blob:none", "pages", BRANCH
        )
        return self._git("rev-parse", "FETCH_HEAD").strip()

    def _tree(self, folder: Path, files: Sequence[str], old: str | None) -> str:
        """The tree of the site. Files go in by their bytes: `git add` would heed ignore rules and line endings."""
        paths = "".join(f"{folder.resolve() / path}\n" for path in files)
        blobs = self._git("hash-object", "-w", "--no-filters", "--stdin-paths", sent=paths).split()
        entries = [f"100644 blob {blob}\t{path}" for blob, path in zip(blobs, files, strict=True)]
        # GitHub would otherwise run Jekyll over the pages.
        entries.append(
            f"100644 blob {self._git('hash-object', '-w', '--stdin').strip()}\t.nojekyll"
        )
        if old and "CNAME" not in files:
            entries += self._git("ls-tree", old, "CNAME").splitlines()
        self._git(
            "update-index", "-z", "--index-info", sent="".join(f"{entry}\0" for entry in entries)
        )
        return self._git(
            "write-tree", "--missing-ok"
        ).strip()  # the CNAME's contents were not fetched

    def _git(self, *arguments: str, sent: str = "") -> str:
        # Hooks of the user's that meddle with a push (git-lfs has one) are for the user's own repositories.
        command = ("git", "-c", "core.hooksPath=/dev/null", *arguments)
        return _run(
            command, "does the remote exist, and may you push to it?", self._env, sent.encode()
        )
