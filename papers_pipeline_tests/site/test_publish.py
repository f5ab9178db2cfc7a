"""Publishing sends what differs, and never deletes a file that is not ours."""

import json
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from upath import UPath

from papers_pipeline.site.publishing.errors import PublishError
from papers_pipeline.site.publishing.publish import publish
from papers_pipeline.site.publishing.to_folder import MANIFEST
from papers_pipeline.store import files as storage

SITE = {
    "index.html": "the way in",
    "d/2026-03-02.json": "{}",
    "en/index.html": "the newest day",
    "en/archive.html": "all days",
    "en/d/2026-03-02.html": "a day",
    "static/site.css": "body {}",
}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    for path, text in SITE.items():
        put(tmp_path / "data" / "site" / path, text)
    return tmp_path / "data" / "site"


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def texts(folder: Path) -> dict[str, str]:
    """The text of every file below a folder, except the manifest."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in files}


class TestFolder:
    def test_a_folder_gets_every_file_and_then_only_what_differs(self, site, tmp_path):
        target = tmp_path / "www" / "papers"
        first = publish(UPath(site), str(target))
        assert (first.files, first.changed, first.target) == (6, 6, str(target))
        assert texts(target) == SITE
        times = {path: path.stat().st_mtime_ns for path in target.rglob("*") if path.is_file()}
        again = publish(UPath(site), str(target))
        assert (again.files, again.changed) == (6, 0)
        assert {
            path: path.stat().st_mtime_ns for path in target.rglob("*") if path.is_file()
        } == times
        put(site / "en" / "index.html", "a newer day")
        assert publish(UPath(site), str(target)).changed == 1
        assert (target / "en" / "index.html").read_text() == "a newer day"

    def test_what_the_site_no_longer_has_is_removed_with_its_empty_folders(self, site, tmp_path):
        publish(UPath(site), "www")
        shutil.rmtree(site / "en")
        published = publish(UPath(site), "www")
        assert (published.files, published.changed) == (3, 3)
        assert texts(tmp_path / "www") == {
            path: text for path, text in SITE.items() if not path.startswith("en/")
        }
        assert not (tmp_path / "www" / "en").exists()

    @pytest.mark.fault(
        party="folder",
        fault="changed or withdrawn",
        kept="what others wrote there",
        retried="by the next publish",
        told="",
    )
    def test_a_file_that_we_did_not_write_is_never_deleted(self, site, tmp_path):
        target = tmp_path / "www"
        theirs = {"notes.txt": "theirs", "en/d/mine.html": "theirs", "en/archive.html": "all days"}
        for path, text in theirs.items():  # the last has the site's text, but another put it there
            put(target / path, text)
        publish(UPath(site), str(target))
        put(target / "en" / "d" / "2026-03-02.html", "changed there since")
        shutil.rmtree(site / "en")
        publish(UPath(site), str(target))
        left = {
            path: text
            for path, text in texts(target).items()
            if path not in SITE or path.startswith("en/")
        }
        assert left == theirs | {"en/d/2026-03-02.html": "changed there since"}

    def test_pages_come_before_those_that_name_them_and_removals_last(
        self, site, tmp_path, monkeypatch
    ):
        publish(UPath(site), "www")
        (site / "en" / "d" / "2026-03-02.html").unlink()
        for path in (*SITE, "en/d/2026-03-03.html"):
            if path != "en/d/2026-03-02.html":
                put(site / path, "new")
        happened = []

        def told(name: str, call):
            def wrapped(path, *args, **kwargs):
                happened.append(name + path.name)
                return call(path, *args, **kwargs)

            return wrapped

        monkeypatch.setattr(storage, "write", told("", storage.write))
        monkeypatch.setattr(Path, "unlink", told("-", Path.unlink))
        publish(UPath(site), "www")
        ways_in = ["index.html", "index.html"]
        assert happened == [
            *("2026-03-02.json", "site.css", "2026-03-03.html", "archive.html", *ways_in),
            *("-2026-03-02.html", MANIFEST),
        ]

    @pytest.mark.fault(
        party="folder",
        fault="full disk",
        kept="whole files; the pages that lead to missing ones as they were",
        retried="no, then by the next publish",
        told="No space left on device",
    )
    def test_after_an_error_the_manifest_knows_what_was_written(self, site, tmp_path, monkeypatch):
        write = storage.write

        def full_disk(path: UPath, data: bytes) -> bool:
            if path.name == "archive.html":
                raise OSError(28, "No space left on device", str(path))
            return write(path, data)

        monkeypatch.setattr(storage, "write", full_disk)
        with pytest.raises(
            PublishError, match=r"www: No space left on device \(.*archive\.html\).*publish again"
        ):
            publish(UPath(site), "www")
        written = json.loads((tmp_path / "www" / MANIFEST).read_text())
        assert list(written["files"]) == [
            "d/2026-03-02.json",
            "en/d/2026-03-02.html",
            "static/site.css",
        ]
        assert "index.html" not in texts(tmp_path / "www")

    def test_a_web_server_of_another_user_can_read_the_files(self, site, tmp_path):
        publish(UPath(site), "www")
        assert stat.S_IMODE((tmp_path / "www" / "index.html").stat().st_mode) == 0o644

    @pytest.mark.parametrize(
        ("manifest", "fault"),
        [
            ("{", "Invalid JSON"),
            ('{"format": 2, "files": {}}', "Input should be 1"),
            ('{"format": 1, "files": {"../precious": "0"}}', "lies outside the folder"),
        ],
    )
    @pytest.mark.fault(
        party="folder",
        fault="malformed",
        kept="every file there",
        retried="no, then by the next publish",
        told="Invalid JSON",
    )
    @pytest.mark.fault(
        party="folder",
        fault="hostile",
        kept="every file there, and all outside",
        retried="no, then by the next publish",
        told="lies outside the folder",
    )
    def test_a_manifest_that_cannot_be_trusted_deletes_nothing(
        self, site, tmp_path, manifest, fault
    ):
        put(tmp_path / "www" / MANIFEST, manifest)
        with pytest.raises(PublishError, match=f"{MANIFEST}: .*{fault}"):
            publish(UPath(site), "www")
        assert texts(tmp_path / "www") == {}


@pytest.mark.parametrize("kind", ["", "rsync:"])
@pytest.mark.parametrize("place", ["data", "data/site", "data/site/copy"])
def test_neither_the_site_nor_the_data_around_it_is_a_target(site, kind, place):
    put(site.parent / "ledger" / "2026-03-02.jsonl", "paid for")
    with pytest.raises(PublishError, match="name a folder that is neither around nor below it"):
        publish(UPath(site), kind + place)
    assert texts(site) == SITE
    assert texts(site.parent / "ledger") == {"2026-03-02.jsonl": "paid for"}


def test_a_file_that_is_just_being_written_is_not_published(site, tmp_path):
    put(site / "en" / ".index.html.x7", "half")
    assert publish(UPath(site), "www").files == 6
    assert texts(tmp_path / "www") == SITE


def test_a_site_on_a_bucket_is_published_too(tmp_path):
    bucket = UPath("memory://bucket-of-test-publish/data/site")
    for path, text in SITE.items():
        storage.write(bucket / path, text.encode())
    assert publish(bucket, "www").changed == 6
    assert texts(tmp_path / "www") == SITE


def test_a_site_that_was_never_built_is_an_error_that_names_the_command(tmp_path):
    with pytest.raises(
        PublishError, match=r"no site at .*site: build a day first, `papers build --date latest`"
    ):
        publish(UPath(tmp_path / "site"), "www")
    assert not (tmp_path / "www").exists()


@pytest.mark.parametrize(
    ("target", "fault"),
    [
        ("s3://bucket/site", "no kind of target is named s3: name a folder, rsync:host:/path"),
        ("gh_pages:remote", "no kind of target is named gh_pages"),
        ("gh-pages:", "names no place"),
        ("rsync:", "names no place"),
        ("rsync:host:", "names no folder that can be the site's alone"),
        ("rsync:host:~/", "names no folder that can be the site's alone"),
        ("rsync:/", "names no folder that can be the site's alone"),
        ("rsync://host/module", "names no folder that can be the site's alone"),
    ],
)
def test_a_target_of_no_known_form_is_an_error_that_names_the_forms(site, target, fault):
    with pytest.raises(PublishError, match=fault):
        publish(UPath(site), target)


LOST = [f"en/d/2026-02-{day:02}.html" for day in range(1, 5)]
"""Pages that a site once had. With the four of SITE, they are more than a fifth."""
SHRUNK = r"4 of its 8 pages are not in the site any more, so nothing was published: .*allow-shrink"


def lose_pages(site: Path, target: str) -> None:
    """Publish a site with more pages, and then lose them."""
    for path in LOST:
        put(site / path, "an earlier day")
    publish(UPath(site), target)
    for path in LOST:
        (site / path).unlink()


def test_a_site_that_lost_pages_leaves_a_folder_as_it_is(site, tmp_path):
    lose_pages(site, "www")
    with pytest.raises(PublishError, match=f"www: {SHRUNK}"):
        publish(UPath(site), "www")
    assert texts(tmp_path / "www") == SITE | dict.fromkeys(LOST, "an earlier day")
    assert publish(UPath(site), "www", allow_shrink=True).changed == 4
    assert texts(tmp_path / "www") == SITE


def test_a_fifth_of_the_pages_may_go(site, tmp_path):
    for number in range(17):
        put(site / "en" / "p" / f"{number}.html", "a paper")
    publish(UPath(site), "www")
    for number in range(4):
        (site / "en" / "p" / f"{number}.html").unlink()
    assert publish(UPath(site), "www").changed == 4


@pytest.mark.programs("rsync")
class TestRsync:
    def test_a_site_that_lost_pages_leaves_the_mirror_as_it_is(self, site, tmp_path):
        target = f"rsync:{tmp_path}/srv"
        lose_pages(site, target)
        put(site / "index.html", "changed")
        put(site / "en" / "new.html", "new")
        with pytest.raises(PublishError, match=f"srv: {SHRUNK}"):
            publish(UPath(site), target)
        assert texts(tmp_path / "srv") == SITE | dict.fromkeys(LOST, "an earlier day")
        assert publish(UPath(site), target, allow_shrink=True).changed == 6

    def test_a_local_folder_becomes_a_mirror_and_then_only_what_differs_is_sent(
        self, site, tmp_path
    ):
        target = tmp_path / "srv" / "papers"
        put(target / "en" / "old.html", "of another site")
        put(target / ".well-known" / "proof", "theirs")
        first = publish(UPath(site), f"rsync:{target}")
        assert (first.files, first.changed, first.target) == (6, 7, f"rsync:{target}")
        assert texts(target) == SITE | {".well-known/proof": "theirs"}
        os.utime(site / "index.html", (0, 0))  # like a copy from a bucket: new time, same bytes
        assert publish(UPath(site), f"rsync:{target}").changed == 0
        put(site / "en" / "index.html", "a newer day")
        assert publish(UPath(site), f"rsync:{target}").changed == 1
        assert (target / "en" / "index.html").read_text() == "a newer day"

    def test_another_machine_is_reached_through_ssh(self, site, tmp_path, monkeypatch):
        put(tmp_path / "ssh", '#!/bin/sh\ntest "$1" = server || exit 255\nshift\nexec sh -c "$*"\n')
        (tmp_path / "ssh").chmod(0o755)
        monkeypatch.setenv("RSYNC_RSH", str(tmp_path / "ssh"))
        (tmp_path / "there").mkdir()
        assert publish(UPath(site), f"rsync:server:{tmp_path / 'there'}").changed == 6
        assert publish(UPath(site), f"rsync:server:{tmp_path / 'there'}").changed == 0
        assert texts(tmp_path / "there") == SITE
        with pytest.raises(
            PublishError, match=r"rsync:nowhere:/srv: rsync ended with .*does `ssh nowhere` work"
        ):
            publish(UPath(site), "rsync:nowhere:/srv")


def test_without_rsync_the_error_says_so(site, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(
        PublishError,
        match="rsync:host:/srv: rsync is not installed: install it, or publish to a",
    ):
        publish(UPath(site), "rsync:host:/srv")


@pytest.mark.programs("git")
class TestBranch:
    @pytest.fixture
    def remote(self, tmp_path) -> Path:
        self.git(tmp_path / "remote.git", "init", "--quiet", "--bare", "--object-format=sha1")
        return tmp_path / "remote.git"

    @pytest.fixture(autouse=True)
    def no_identity(self, tmp_path, monkeypatch):
        """No git configuration of the machine; a hook's variables for another repository."""
        monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
        monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        for name in (
            "GIT_CONFIG_GLOBAL",
            "XDG_CONFIG_HOME",
            "GIT_AUTHOR_NAME",
            "GIT_AUTHOR_EMAIL",
            "EMAIL",
        ):
            monkeypatch.delenv(name, raising=False)
        for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
            monkeypatch.setenv(name, str(tmp_path / "working"))

    def git(self, remote: Path, *arguments: str) -> str:
        command = ["git", f"--git-dir={remote}", *arguments]
        env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        return subprocess.run(
            command, env=env, capture_output=True, text=True, check=True
        ).stdout.strip()

    def shown(self, remote: Path) -> dict[str, str]:
        paths = self.git(remote, "ls-tree", "-r", "--name-only", "gh-pages").splitlines()
        return {path: self.git(remote, "show", f"gh-pages:{path}") for path in paths}

    def test_the_branch_is_one_commit_and_is_pushed_only_when_something_differs(
        self, site, remote, tmp_path
    ):
        first = publish(UPath(site), f"gh-pages:{remote}")
        assert (first.files, first.changed, first.target) == (6, 6, f"gh-pages:{remote}")
        assert self.shown(remote) == SITE | {".nojekyll": ""}
        assert (
            self.git(remote, "log", "--format=%an %ae", "gh-pages")
            == "papers_pipeline papers_pipeline@localhost"
        )
        (commit,) = self.git(remote, "log", "--format=%H", "gh-pages").splitlines()

        put(remote / "hooks" / "pre-receive", "#!/bin/sh\nexit 1\n")  # a push would fail
        (remote / "hooks" / "pre-receive").chmod(0o755)
        assert publish(UPath(site), f"gh-pages:{remote}").changed == 0
        (remote / "hooks" / "pre-receive").unlink()

        put(site / "en" / "index.html", "a newer day")
        (site / "en" / "archive.html").unlink()
        assert publish(UPath(site), f"gh-pages:{remote}").changed == 2
        (newer,) = self.git(remote, "log", "--format=%H", "gh-pages").splitlines()
        assert newer != commit
        assert self.shown(remote)["en/index.html"] == "a newer day"
        assert not (tmp_path / "working").exists()

    def test_the_branch_before_is_kept_as_a_branch_of_its_own(self, site, remote):
        publish(UPath(site), f"gh-pages:{remote}")
        before = self.git(remote, "rev-parse", "gh-pages")
        put(site / "index.html", "changed")
        publish(UPath(site), f"gh-pages:{remote}")
        assert self.git(remote, "rev-parse", "gh-pages-previous") == before
        put(site / "index.html", "changed again")
        between = self.git(remote, "rev-parse", "gh-pages")
        publish(UPath(site), f"gh-pages:{remote}")
        assert self.git(remote, "rev-parse", "gh-pages-previous") == between

    def test_a_site_that_lost_pages_leaves_the_branch_as_it_is(self, site, remote):
        lose_pages(site, f"gh-pages:{remote}")
        with pytest.raises(PublishError, match=f"gh-pages: {SHRUNK}"):
            publish(UPath(site), f"gh-pages:{remote}")
        assert self.shown(remote).keys() == SITE.keys() | {*LOST, ".nojekyll"}
        assert publish(UPath(site), f"gh-pages:{remote}", allow_shrink=True).changed == 4

    def test_only_what_differs_goes_over_the_wire(self, site, remote):
        for setting in ("allowFilter", "allowAnySHA1InWant"):  # GitHub supports both
            self.git(remote, "config", f"uploadpack.{setting}", "true")
        self.git(remote, "config", "receive.unpackLimit", "1")
        put(site / "CNAME", "papers.example.org")
        put(site / "d" / "2026-03-01.json", "".join(str(number) for number in range(100_000)))
        publish(UPath(site), f"gh-pages:file://{remote}")
        before = sum(pack.stat().st_size for pack in (remote / "objects" / "pack").glob("*.pack"))
        put(site / "index.html", "changed")
        (site / "CNAME").unlink()  # its contents are not fetched, but it stays
        assert publish(UPath(site), f"gh-pages:file://{remote}").changed == 1
        after = sum(pack.stat().st_size for pack in (remote / "objects" / "pack").glob("*.pack"))
        assert before > 100_000
        assert after - before < 2_000
        shown = self.shown(remote)
        assert (shown["index.html"], shown["CNAME"]) == ("changed", "papers.example.org")
        self.git(remote, "fsck", "--connectivity-only")

    def test_a_history_and_other_files_go_but_the_domain_stays(self, site, remote, tmp_path):
        work = tmp_path / "elsewhere"
        work.mkdir()
        self.git(work / ".git", "init", "--quiet", "--object-format=sha1")
        for number in (1, 2):
            put(work / "CNAME", "papers.example.org")
            put(work / f"old{number}.html", "of another tool")
            self.git(work / ".git", f"--work-tree={work}", "add", "--all")
            identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
            self.git(
                work / ".git",
                *identity,
                f"--work-tree={work}",
                "commit",
                "--quiet",
                "-m",
                str(number),
            )
        self.git(work / ".git", "push", "--quiet", str(remote), "HEAD:refs/heads/gh-pages")
        # Six files and .nojekyll are added, two are deleted.
        assert publish(UPath(site), f"gh-pages:{remote}").changed == 9
        assert self.shown(remote) == SITE | {".nojekyll": "", "CNAME": "papers.example.org"}
        assert self.git(remote, "rev-list", "--count", "gh-pages") == "1"

    def test_files_go_in_by_their_bytes_whatever_the_user_configured(self, site, remote, tmp_path):
        config = (
            "[core]",
            "autocrlf = true",
            "excludesFile = ~/ignore",
            "attributesFile = ~/attributes",
            "hooksPath = ~/hooks",
            "[commit]",
            "gpgSign = true",
        )
        put(tmp_path / "nobody" / ".gitconfig", "\n".join(config) + "\n")
        put(tmp_path / "nobody" / "ignore", "*.css\n")
        put(tmp_path / "nobody" / "attributes", "* text\n")
        put(tmp_path / "nobody" / "hooks" / "pre-push", "#!/bin/sh\nexit 1\n")
        (tmp_path / "nobody" / "hooks" / "pre-push").chmod(0o755)
        (site / "static" / "site.css").write_bytes(b"body {}\r\nhtml {}\r\n")
        publish(UPath(site), f"gh-pages:{remote}")
        size = self.git(remote, "cat-file", "-s", "gh-pages:static/site.css")
        assert int(size) == len(b"body {}\r\nhtml {}\r\n")

    def test_a_remote_that_is_not_there_is_an_error_that_names_it(self, site, tmp_path):
        with pytest.raises(
            PublishError, match=r"gh-pages:.*nowhere\.git: git ended .*does the remote exist"
        ):
            publish(UPath(site), f"gh-pages:{tmp_path / 'nowhere.git'}")

    def test_a_token_is_never_told(self, site):
        target = "gh-pages:http://x-access-token:s3cret@127.0.0.1:9/you/digest.git"
        with pytest.raises(PublishError, match=r"http://\*\*\*@127\.0\.0\.1:9") as raised:
            publish(UPath(site), target)
        assert "s3cret" not in str(raised.value)


def test_without_git_the_error_says_so(site, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(
        PublishError,
        match="gh-pages:x: git is not installed: install it, or publish to a folder",
    ):
        publish(UPath(site), "gh-pages:x")
