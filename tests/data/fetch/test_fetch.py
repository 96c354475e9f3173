"""Fetching from a server on this machine: whole, resumed, changed, wrong, and never half."""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

import pytest
import requests
from filelock import FileLock
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

from imbalance_derm.data.checks import check_table
from imbalance_derm.data.fetch import fetch as module
from imbalance_derm.data.fetch.catalogue import Entry
from imbalance_derm.data.fetch.fetch import RECORD, fetch
from imbalance_derm.data.sources.isic2016 import Isic2016
from imbalance_derm.errors import InputError, RunError

ARCHIVE = "ISBI2016_ISIC_Part3_Training_Data.zip"
CUT = 16 * 2**16
SCRIPT = """
import sys
from pathlib import Path
from imbalance_derm.data.fetch.catalogue import read_entry
from imbalance_derm.data.fetch.fetch import fetch
fetch(read_entry(Path(sys.argv[1])), Path(sys.argv[2]))
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def readable(root: Path) -> None:
    """The data source finds every image and every label."""
    dataset = Isic2016()
    checked = check_table(dataset, dataset.table(root), skip_bad=False)
    counts = checked.table.groupby(["split", "label"]).size().to_dict()
    assert counts == {
        ("train", "benign"): 8, ("train", "malignant"): 4,
        ("test", "benign"): 3, ("test", "malignant"): 3,
    }  # fmt: skip


def changed(entry: Entry, name: str, **values: object) -> Entry:
    files = [f.model_copy(update=values) if f.name == name else f for f in entry.files]
    return entry.model_copy(update={"files": files})


def test_a_whole_fetch_ends_in_the_layout_of_the_source(isic2016, publisher, session, tmp_path):
    steps: dict[str, list[tuple[int, int]]] = {}

    def progress(what: str, done: int, total: int) -> None:
        steps.setdefault(what, []).append((done, total))

    root = tmp_path / "data"
    assert fetch(isic2016, root, progress, session) == root / "isic2016"
    readable(root)
    assert names(root) == ["isic2016"]
    assert [(a.status, a.sent) for a in publisher.log] == [
        (200, len(content)) for content in publisher.files.values()
    ]
    assert steps[f"Fetch {ARCHIVE}"][-1] == (len(publisher.files[ARCHIVE]),) * 2
    assert [what for what in steps if what.startswith("Unpack")] == [
        f"Unpack {ARCHIVE}", "Unpack ISBI2016_ISIC_Part3_Test_Data.zip",
    ]  # fmt: skip


def test_the_record_tells_address_and_sha256(isic2016, publisher, session, tmp_path):
    record = json.loads((fetch(isic2016, tmp_path, session=session) / RECORD).read_text())
    assert record["licence"]["name"] == "CC0 1.0"
    for name, content in publisher.files.items():
        file = record["files"][name]
        assert file["sha256"] == hashlib.sha256(content).hexdigest()
        assert file["bytes"] == len(content)
        assert file["url"] == f"{publisher.url}/{name}"
        assert file["published_checksum"] == ""


def test_killed_halfway_it_asks_only_for_the_rest(isic2016, publisher, session, tmp_path):
    root = tmp_path / "data"
    part = root / ".isic2016.fetch" / f"{ARCHIVE}.part"
    publisher.hang_after = {ARCHIVE: CUT}
    catalogue = tmp_path / "catalogue" / "isic2016.toml"
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(catalogue), str(root)])
    deadline = time.monotonic() + 60
    while not (part.exists() and part.stat().st_size == CUT):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (root / "isic2016").exists()
    publisher.released.set()
    publisher.log.clear()

    fetch(isic2016, root, session=session)
    (answer,) = (a for a in publisher.asked_for(ARCHIVE) if a.asked)
    assert answer.asked == f"bytes={CUT}-"
    assert (answer.status, answer.sent) == (206, len(publisher.files[ARCHIVE]) - CUT)
    readable(root)


def interrupted(entry: Entry, publisher, session, root: Path) -> None:
    """Leave the first `CUT` bytes of the archive behind."""

    class Stop(Exception):
        pass

    def stop(what: str, done: int, total: int) -> None:
        if what == f"Fetch {ARCHIVE}" and done == CUT:
            raise Stop

    with pytest.raises(Stop):
        fetch(entry, root, stop, session)
    assert (root / ".isic2016.fetch" / f"{ARCHIVE}.part").stat().st_size == CUT
    publisher.log.clear()


@pytest.mark.parametrize("heeds_if_range", [True, False])
def test_another_version_on_the_server_is_fetched_from_its_start(
    isic2016, publisher, session, tmp_path, zip_of, pictures, heeds_if_range
):
    interrupted(isic2016, publisher, session, tmp_path)
    publisher.heeds_if_range = heeds_if_range
    images = {f"ISIC_{i:07d}.jpg": pictures(500 + i) for i in range(12)}
    length = filler = len(publisher.files[ARCHIVE])
    while len(publisher.files[ARCHIVE]) != length or filler == length:  # only the tag tells
        publisher.files[ARCHIVE] = zip_of({**images, "more": os.urandom(filler)})
        filler -= len(publisher.files[ARCHIVE]) - length
    publisher.tags[ARCHIVE] = '"2"'
    folder = fetch(isic2016, tmp_path, session=session)
    last = publisher.asked_for(ARCHIVE)[-1]
    assert (last.status, last.sent) == (200, len(publisher.files[ARCHIVE]))
    assert (folder / ARCHIVE.removesuffix(".zip") / "ISIC_0000000.jpg").read_bytes() == pictures(
        500
    )
    readable(tmp_path)


def test_a_server_without_ranges_is_asked_anew(isic2016, publisher, session, tmp_path):
    interrupted(isic2016, publisher, session, tmp_path)
    publisher.ranges = False
    fetch(isic2016, tmp_path, session=session)
    (answer,) = publisher.asked_for(ARCHIVE)
    assert (answer.asked, answer.status) == (f"bytes={CUT}-", 200)
    readable(tmp_path)


@pytest.mark.parametrize("tag", ["", 'W/"1"'])
def test_without_a_strong_tag_nothing_is_pieced_together(
    isic2016, publisher, session, tmp_path, tag
):
    publisher.tags[ARCHIVE] = tag
    interrupted(isic2016, publisher, session, tmp_path)
    fetch(isic2016, tmp_path, session=session)
    (answer,) = publisher.asked_for(ARCHIVE)
    assert (answer.asked, answer.status) == (None, 200)
    readable(tmp_path)


def test_a_connection_that_breaks_is_taken_up_again(isic2016, publisher, session, tmp_path):
    publisher.cut_after = {ARCHIVE: [CUT, *[CUT // 4] * 5]}
    fetch(isic2016, tmp_path, session=session)
    first, *others = publisher.asked_for(ARCHIVE)
    assert (first.asked, first.sent) == (None, CUT)
    starts = [CUT + i * CUT // 4 for i in range(6)]
    assert [a.asked for a in others] == [f"bytes={start}-" for start in starts]
    assert sum(a.sent for a in (first, *others)) == len(publisher.files[ARCHIVE])
    readable(tmp_path)


def test_a_connection_that_always_breaks_is_given_up(isic2016, publisher, session, tmp_path):
    publisher.cut_after = {ARCHIVE: [CUT] + [0] * 50}
    with pytest.raises(RunError, match=r"cannot fetch http.*the same command goes on"):
        fetch(isic2016, tmp_path, session=session)
    assert not (tmp_path / "isic2016").exists()
    assert len(publisher.cut_after[ARCHIVE]) > 40
    publisher.cut_after.clear()
    publisher.log.clear()
    fetch(isic2016, tmp_path, session=session)
    assert publisher.log[0].asked == f"bytes={CUT}-"


def test_a_busy_server_is_asked_again(isic2016, publisher, session, tmp_path):
    publisher.statuses = {ARCHIVE: [503, 429, 500]}
    fetch(isic2016, tmp_path, session=session)
    assert [a.status for a in publisher.asked_for(ARCHIVE)] == [503, 429, 500, 200]


def test_no_server_is_one_sentence_and_leaves_nothing(isic2016, publisher, session, tmp_path):
    lost = changed(isic2016, ARCHIVE, urls=["http://127.0.0.1:9/none.zip"])
    with pytest.raises(RunError, match=r"cannot fetch http://127\.0\.0\.1:9/none\.zip: .*refused"):
        fetch(lost, tmp_path / "data", session=session)
    assert names(tmp_path / "data") == []


def test_the_next_address_is_asked_where_one_is_gone(isic2016, publisher, session, tmp_path):
    publisher.statuses = {"old.zip": [403]}
    both = [f"{publisher.url}/old.zip", f"{publisher.url}/{ARCHIVE}"]
    folder = fetch(changed(isic2016, ARCHIVE, urls=both), tmp_path, session=session)
    assert json.loads((folder / RECORD).read_text())["files"][ARCHIVE]["url"] == both[1]
    readable(tmp_path)


def test_an_encrypted_address_does_not_lead_to_an_open_one(isic2016, publisher, session, tmp_path):
    class Redirect(HTTPAdapter):
        def send(self, request, **keywords):
            answer = requests.Response()
            answer.status_code, answer.request, answer.url = 302, request, request.url
            answer.headers["Location"] = f"{publisher.url}/{ARCHIVE}"
            answer.raw = HTTPResponse(io.BytesIO(b""), preload_content=False)
            return answer

    session.mount("https://", Redirect())
    entry = changed(isic2016, ARCHIVE, urls=["https://example.org/a.zip"])
    with pytest.raises(RunError, match="not encrypted"):
        fetch(entry, tmp_path / "data", session=session)
    assert names(tmp_path / "data") == []


def test_gone_everywhere_is_told(isic2016, publisher, session, tmp_path):
    del publisher.files[ARCHIVE]
    with pytest.raises(RunError, match=r"status 404.*may have moved"):
        fetch(isic2016, tmp_path / "data", session=session)
    assert names(tmp_path / "data") == []


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_the_published_checksum_is_held(isic2016, publisher, session, tmp_path, algorithm):
    digest = hashlib.new(algorithm, publisher.files[ARCHIVE]).hexdigest()
    entry = changed(isic2016, ARCHIVE, checksum=f"{algorithm}:{digest}")
    folder = fetch(entry, tmp_path, session=session)
    record = json.loads((folder / RECORD).read_text())["files"][ARCHIVE]
    assert record["published_checksum"] == f"{algorithm}:{digest}"


def test_a_wrong_checksum_is_refused_and_nothing_stays(isic2016, publisher, session, tmp_path):
    published = hashlib.md5(b"another file").hexdigest()
    entry = changed(isic2016, ARCHIVE, checksum=f"md5:{published}")
    with pytest.raises(RunError, match=rf"published is {published}; it was removed"):
        fetch(entry, tmp_path / "data", session=session)
    assert names(tmp_path / "data") == []


def test_what_changed_here_since_it_was_recorded_is_fetched_again(
    isic2016, publisher, session, tmp_path
):
    del publisher.files["ISBI2016_ISIC_Part3_Test_Data.zip"]
    backup = dict(publisher.files)
    with pytest.raises(RunError):
        fetch(isic2016, tmp_path / "data", session=session)
    archive = tmp_path / "data" / ".isic2016.fetch" / ARCHIVE
    assert archive.read_bytes() == backup[ARCHIVE]
    publisher.log.clear()
    with pytest.raises(RunError):
        fetch(isic2016, tmp_path / "data", session=session)
    assert publisher.asked_for(ARCHIVE) == []
    archive.write_bytes(b"x" + backup[ARCHIVE][1:])
    with pytest.raises(RunError):
        fetch(isic2016, tmp_path / "data", session=session)
    assert [a.status for a in publisher.asked_for(ARCHIVE)] == [200]
    assert archive.read_bytes() == backup[ARCHIVE]


def test_a_refused_archive_leaves_no_data_set(isic2016, publisher, session, tmp_path, zip_of):
    publisher.files[ARCHIVE] = zip_of({"../../evil.jpg": b"x"})
    alone = isic2016.model_copy(update={"files": isic2016.files[:1]})
    with pytest.raises(RunError, match="leads out of its folder"):
        fetch(alone, tmp_path / "data", session=session)
    assert names(tmp_path / "data") == []
    assert not list(tmp_path.rglob("evil.jpg"))


def test_what_is_there_is_left_alone(isic2016, publisher, session, tmp_path):
    (tmp_path / "isic2016").mkdir()
    (tmp_path / "isic2016" / "mine.txt").write_text("by hand")
    assert fetch(isic2016, tmp_path, session=session) == tmp_path / "isic2016"
    assert publisher.log == []
    assert names(tmp_path / "isic2016") == ["mine.txt"]


def test_what_another_process_has_just_brought_is_left_alone(
    isic2016, publisher, session, tmp_path, monkeypatch
):
    def other(*args: object) -> None:
        (tmp_path / "data" / "isic2016").mkdir(parents=True)
        (tmp_path / "data" / "isic2016" / "theirs.txt").write_text("")

    monkeypatch.setattr(module, "require_space", other)
    fetch(isic2016, tmp_path / "data", session=session)
    assert publisher.log == []
    assert names(tmp_path / "data") == ["isic2016"]


def test_an_empty_folder_is_no_data_set(isic2016, session, tmp_path):
    (tmp_path / "isic2016").mkdir()
    fetch(isic2016, tmp_path, session=session)
    readable(tmp_path)


def test_two_at_once_do_not_mix(isic2016, publisher, session, tmp_path):
    work = tmp_path / ".isic2016.fetch"
    work.mkdir()
    with (
        FileLock(work / "lock"),
        pytest.raises(InputError, match="another process is working in"),
    ):
        fetch(isic2016, tmp_path, session=session)
    assert publisher.log == []


def test_a_small_disk_is_told_before_anything_is_asked(
    isic2016, publisher, session, tmp_path, monkeypatch
):
    usage = namedtuple("usage", "total used free")
    free = 2 * isic2016.size - 1
    monkeypatch.setattr(
        "imbalance_derm.data.fetch.space.shutil.disk_usage", lambda path: usage(0, 0, free)
    )
    with pytest.raises(RunError, match=r"6\.1 MB are needed in .*6\.1 MB are free; free some"):
        fetch(isic2016, tmp_path / "data", session=session)
    assert publisher.log == []
    assert not (tmp_path / "data").exists()


def test_a_disk_that_fills_up_is_told_with_what_to_do(isic2016, session, tmp_path, monkeypatch):
    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "unpack", full)
    with pytest.raises(RunError, match=r"no space left in .*goes on where it was"):
        fetch(isic2016, tmp_path, session=session)
    assert not (tmp_path / "isic2016").exists()


def test_a_root_that_is_a_file(isic2016, session, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file is no folder"):
        fetch(isic2016, tmp_path / "file", session=session)
