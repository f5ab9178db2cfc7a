"""Publish the built site to a folder, to another machine by rsync, or to a git remote's gh-pages.

Names that begin with a dot are not part of a site: they are neither sent nor deleted.
"""

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

from papers_pipeline.base.characters import one_line
from papers_pipeline.base.errors import OperatorError
from papers_pipeline.store import files as storage

TARGETS = "a folder, rsync:host:/path, rsync:/path or gh-pages:<git remote>"
MANIFEST = ".papers-published.json"
BRANCH = "refs/heads/gh-pages"
REPOSITORY_VARIABLES = {
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_WORK_TREE",
}
"""Variables that git sets for hooks. A hook may run `papers`, whose own git commands must not see
them."""
TIMEOUT_SECONDS = 1800
"""Limit for one external program: a hanging one would keep the site's lock and block builds."""

DAY_AND_PAPER = ("d", "p")
ENTRANCES = (
    "index.html",
    "404.html",
    "feed.xml",
    "feed.json",
    "sitemap.xml",
    "robots.txt",
    "pagefind-entry.json",
)


class PublishError(OperatorError):
    """The site could not be published. The message names the target, the fault and the way out."""


@dataclass(frozen=True)
class Published:
    """The result: files of the site, files sent or deleted, and the target without secrets."""

    files: int
    changed: int
    target: str

    def __str__(self) -> str:
        return f"{self.target}: {self.files:,} files, {self.changed:,} changed"


def publish(site: UPath, target: str) -> Published:
    """Make `target` show the site, which is local or on a bucket. Files that are equal stay.

    Raises PublishError for an unknown form of target, a site that was never built, and any failure
    on the way.
    """
    send, place = _sender_and_place(target)
    with _local_copy(site) as folder:
        files = _files(folder)
        if "index.html" not in files:
            raise PublishError(
                f"no site at {site}: build a day first, `papers build --date latest`"
            )
        try:
            changed = send(folder, files, place)
        except OSError as error:
            raise PublishError(
                f"{_without_secrets(target)}: {error.strerror or error} ({error.filename}); files "
                "written so far are complete: fix the cause and publish again"
            ) from error
    return Published(len(files), changed, _without_secrets(target))


Sender = Callable[[Path, Sequence[str], str], int]
"""Sends files below a folder to a place; returns how many changed there."""


def _sender_and_place(target: str) -> tuple[Sender, str]:
    """The sender for a target, and the target without its kind.

    A folder whose name has a colon can be given with `./` in front.
    """
    kind, colon, place = target.partition(":")
    sender: Sender
    if not colon or "/" in kind:
        sender, place = _to_folder, target
    elif kind == "rsync":
        sender = _to_rsync
    elif kind == "gh-pages":
        sender = _to_branch
    else:
        raise PublishError(
            f"{_without_secrets(target)}: no kind of target is named {kind}: name {TARGETS}"
        )
    if not place:
        raise PublishError(f"{target!r} names no place: name {TARGETS}")
    return sender, place


@contextmanager
def _local_copy(site: UPath) -> Iterator[Path]:
    """The site as a local folder: itself, or a temporary copy of a bucket."""
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
    """Paths of the site's files below its folder. Dot files are still being written."""
    found = []
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and "/." not in f"/{name}":
            found.append(name)
    return sorted(found)


def _without_secrets(text: str) -> str:
    """The text without passwords and tokens of its URLs, for logs and screens."""
    return re.sub(r"(https?://)[^/@\s]+@", r"\1***@", text)


def _run(
    command: Sequence[str],
    way_out: str,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
) -> str:
    """The program's output. Raises PublishError if it is missing, fails, or takes too long."""
    program = command[0]
    try:
        done = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            env={**(os.environ if env is None else env), "LC_ALL": "C"},
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise PublishError(
            f"{program} is not installed: install it, or publish to a folder"
        ) from None
    except subprocess.TimeoutExpired:
        raise PublishError(
            f"{program} did not finish within {TIMEOUT_SECONDS} seconds; {way_out}"
        ) from None
    if done.returncode:
        stderr = _without_secrets(done.stderr.decode(errors="replace"))
        message = one_line(stderr)
        raise PublishError(f"{program} ended with status {done.returncode}: {message}; {way_out}")
    return done.stdout.decode()


class _Manifest(BaseModel):
    """`.papers-published.json`, format 1: the SHA-256 of every file that we wrote into a folder."""

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
    """Write files that differ, then delete those that the site no longer has; returns their number.

    Deletes only files that we wrote and nobody changed since. The manifest is right after an error
    or Ctrl+C too. After a kill it can lack files, which then stay for good.
    """
    target = Path(place).expanduser().resolve()
    _require_apart(folder, target)
    manifest = UPath(target / MANIFEST)
    ours = _read_manifest(manifest)

    def new_files_first(path: str) -> tuple[int, bool, str]:
        return _rank(path), (target / path).exists(), path

    changed = 0
    try:
        for path in sorted(files, key=new_files_first):
            data = (folder / path).read_bytes()
            if storage.write(UPath(target / path), data):
                ours[path] = hashlib.sha256(data).hexdigest()
                changed += 1
        for path in sorted(ours.keys() - set(files), key=_rank, reverse=True):
            changed += _remove(target, path, ours[path])
            del ours[path]
    finally:
        if target.is_dir():
            written = _Manifest(files=dict(sorted(ours.items())))
            storage.write(manifest, written.model_dump_json(indent=1).encode() + b"\n")
    return changed


def _require_apart(folder: Path, target: Path) -> None:
    """Raise PublishError if the target is inside the site or around it.

    A copy would grow into the site, and rsync would delete the data around it.
    """
    site = folder.resolve()
    if target.is_relative_to(site) or site.is_relative_to(target):
        raise PublishError(
            f"{target}: the site is at {site}: name a folder that is neither around nor below it"
        )


def _rank(path: str) -> int:
    """When a file is written: a page comes after the files that it loads and links to.

    Order: static files, pages of days and papers, pages that link to several of these, entrances.
    """
    folder, name = PurePosixPath(path).parent.name, PurePosixPath(path).name
    if name in ENTRANCES:
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
            f"{manifest}: {error.errors()[0]['msg']}; it lists the files that are ours: repair it, "
            "or delete it and also, by hand, the files that the site no longer has"
        ) from None


def _remove(target: Path, path: str, sha256: str) -> bool:
    """Delete a file of ours and folders left empty; returns False if it is no longer ours."""
    file = target / path
    if not file.is_file() or storage.sha256(UPath(file)) != sha256:
        return False
    file.unlink()
    for parent in PurePosixPath(path).parents[:-1]:
        try:
            (target / parent).rmdir()
        except OSError:  # not empty, so its parents are not either
            break
    return True


def _to_rsync(folder: Path, files: Sequence[str], place: str) -> int:
    """Make a folder the site's mirror by rsync; returns how many files were sent or deleted.

    Everything else in the folder is deleted, except names with a dot in front. A home or root
    folder is therefore refused.
    """
    has_host = ":" in place.partition("/")[0]
    host, _, path = place.rpartition(":") if has_host else ("", "", place)
    if not path.strip("/.~") or path.startswith("//"):
        raise PublishError(
            f"rsync:{place}: names no folder that can be the site's alone: name {TARGETS}"
        )
    way_out = f"does `ssh {host}` work, and is rsync installed there?"
    if not host:
        local = Path(path).expanduser().resolve()
        _require_apart(folder, local)
        local.mkdir(parents=True, exist_ok=True)
        place = str(local)
        way_out = "is the folder yours to write to?"
    command = ["rsync", "--recursive", "--delete-after", "--delay-updates", "--exclude=.*"]
    # Checksums, not times: a copy from a bucket or from a CI cache has new times every time.
    command += ["--checksum", "--chmod=D755,F644", "--timeout=300", "--out-format=%i %n"]
    command += ["--", f"{folder}/", place]
    try:
        lines = _run(command, way_out).splitlines()
    except PublishError as error:
        raise PublishError(f"rsync:{place}: {error}") from None
    changed = 0
    for line in lines:
        is_sent = line.startswith(("<f", ">f"))
        is_deleted = line.startswith("*deleting") and not line.endswith("/")
        changed += is_sent or is_deleted
    return changed


def _to_branch(folder: Path, files: Sequence[str], place: str) -> int:
    """Make the branch gh-pages one commit with the site; returns how many of its files differ.

    Pushes nothing if nothing differs. Keeps a `CNAME` of the branch, where GitHub stores a custom
    domain.
    """
    local = Path(place).expanduser()
    remote = str(local.resolve()) if local.exists() else place
    with tempfile.TemporaryDirectory(prefix="papers-git-") as scratch:
        git = _Git(Path(scratch), remote)
        try:
            return git.publish(folder, files)
        except PublishError as error:
            raise PublishError(f"gh-pages:{_without_secrets(place)}: {error}") from None


class _Git:
    """A bare repository in a scratch folder, so that no repository or identity of the user is used.

    The user's configuration still decides how to reach remotes: keys, credential helpers, proxies.

    Not ghp-import 2.1: it commits dot files, ignores a failed import, prints git's output with
    tokens, and has neither our timeout nor a way to keep `CNAME` or push only differences.
    """

    def __init__(self, scratch: Path, remote: str) -> None:
        self._scratch = scratch
        self._remote = remote
        self._env = dict(os.environ)
        for name in REPOSITORY_VARIABLES:
            self._env.pop(name, None)
        for role in ("AUTHOR", "COMMITTER"):
            self._env[f"GIT_{role}_NAME"] = "papers_pipeline"
            self._env[f"GIT_{role}_EMAIL"] = "papers_pipeline@localhost"
        self._env |= {"GIT_DIR": str(scratch), "GIT_TERMINAL_PROMPT": "0"}

    def publish(self, folder: Path, files: Sequence[str]) -> int:
        """Push the site unless the branch already shows it; returns how many files differ."""
        # SHA-1, because GitHub supports nothing else and newer versions of git may default to more.
        init = ("init", "--quiet", "--bare", "--template=", "--object-format=sha1")
        self._git(*init, str(self._scratch))
        self._git("config", "remote.pages.url", self._remote)
        old = self._fetch()
        tree = self._tree(folder, files, old)
        changed = self._count_differences(old, tree) if old else len(files)
        if changed:
            commit = self._git("commit-tree", tree, "-m", "The site, by `papers publish`").strip()
            self._git("push", "--quiet", "--force", "--no-signed", "pages", f"{commit}:{BRANCH}")
        return changed

    def _fetch(self) -> str | None:
        """The branch's commit, or None without a branch.

        With its trees git can count and push only what differs. File contents are not fetched where
        the server supports that.
        """
        if not self._git("ls-remote", "pages", BRANCH):
            return None
        options = ("--quiet", "--depth=1", "--no-tags", "--filter=blob:none")
        self._git("fetch", *options, "pages", BRANCH)
        return self._git("rev-parse", "FETCH_HEAD").strip()

    def _count_differences(self, old: str, tree: str) -> int:
        names = self._git("diff-tree", "-r", "-z", "--no-renames", "--name-only", old, tree)
        return names.count("\0")

    def _tree(self, folder: Path, files: Sequence[str], old: str | None) -> str:
        """The tree of the site. Files go in as they are: `git add` applies ignore rules."""
        root = folder.resolve()
        paths = [f"{root / path}\n" for path in files]
        hash_object = ("hash-object", "-w", "--no-filters")
        blobs = self._git(*hash_object, "--stdin-paths", stdin="".join(paths)).split()
        entries = []
        for blob, path in zip(blobs, files, strict=True):
            entries.append(f"100644 blob {blob}\t{path}")
        empty = self._git(*hash_object, "--stdin").strip()
        entries.append(f"100644 blob {empty}\t.nojekyll")  # GitHub would run Jekyll otherwise
        if old and "CNAME" not in files:
            entries += self._git("ls-tree", old, "CNAME").splitlines()
        index = "\0".join([*entries, ""])
        self._git("update-index", "-z", "--index-info", stdin=index)
        return self._git("write-tree", "--missing-ok").strip()  # the CNAME's blob was not fetched

    def _git(self, *arguments: str, stdin: str = "") -> str:
        # The user's hooks (git-lfs has one for pushes) are for the user's own repositories.
        command = ("git", "-c", "core.hooksPath=/dev/null", *arguments)
        way_out = "does the remote exist, and may you push to it?"
        return _run(command, way_out, self._env, stdin.encode())
