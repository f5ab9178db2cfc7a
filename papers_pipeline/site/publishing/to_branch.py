"""Publishes the site to the branch gh-pages of a git remote."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from papers_pipeline.site.publishing.errors import PublishError, without_secrets
from papers_pipeline.site.publishing.precautions import require_no_shrink
from papers_pipeline.site.publishing.programs import run

BRANCH_NAME = "gh-pages"
BRANCH = f"refs/heads/{BRANCH_NAME}"
PREVIOUS = f"{BRANCH}-previous"
"""Keeps the commit that the branch had before."""
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


def to_branch(folder: Path, files: Sequence[str], place: str, allow_shrink: bool) -> int:
    """Make the branch gh-pages one commit with the site; returns how many of its files differ.

    Pushes nothing if nothing differs. Keeps a `CNAME` of the branch, where GitHub stores a custom
    domain. The branch gh-pages-previous keeps what gh-pages was before.
    """
    local = Path(place).expanduser()
    remote = str(local.resolve()) if local.exists() else place
    with tempfile.TemporaryDirectory(prefix="papers-git-") as scratch:
        git = _Git(Path(scratch), remote)
        try:
            return git.publish(folder, files, allow_shrink)
        except PublishError as error:
            raise PublishError(f"gh-pages:{without_secrets(place)}: {error}") from None


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

    def publish(self, folder: Path, files: Sequence[str], allow_shrink: bool) -> int:
        """Push the site unless the branch already shows it; returns how many files differ."""
        # SHA-1, because GitHub supports nothing else and newer versions of git may default to more.
        init = ("init", "--quiet", "--bare", "--template=", "--object-format=sha1")
        self._git(*init, str(self._scratch))
        self._git("config", "remote.pages.url", self._remote)
        old = self._fetch()
        if old and not allow_shrink:
            before = set(self._names(old))
            require_no_shrink(BRANCH_NAME, before, before - set(files))
        tree = self._tree(folder, files, old)
        changed = self._count_differences(old, tree) if old else len(files)
        if changed:
            commit = self._git("commit-tree", tree, "-m", "The site, by `papers publish`").strip()
            moves = [f"{commit}:{BRANCH}"]
            if old:
                moves.append(f"{old}:{PREVIOUS}")
            self._git("push", "--quiet", "--force", "--no-signed", "pages", *moves)
        return changed

    def _names(self, commit: str) -> list[str]:
        """The paths of a commit's files."""
        return self._git("ls-tree", "-r", "-z", "--name-only", commit).split("\0")

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
        return run(command, way_out, self._env, stdin.encode())
