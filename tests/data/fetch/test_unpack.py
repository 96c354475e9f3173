"""Archives that nobody here has made."""

from __future__ import annotations

import stat
import struct
import zipfile
from pathlib import Path

import pytest

from imbalance_derm.data.fetch import unpack as module
from imbalance_derm.data.fetch.unpack import unpack
from imbalance_derm.errors import RunError

JPG = "*.jpg"


def archive(path: Path, members: dict[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, content in members.items():
            opened.writestr(name, content)
    return path


def special(name: str, kind: int) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name)
    member.create_system = 3
    member.external_attr = (kind | 0o777) << 16
    return member


def refused(path: Path, reason: str) -> None:
    """`path` is refused for `reason`, and nothing is written anywhere below its folder."""
    before = sorted(path.parent.rglob("*"))
    with pytest.raises(RunError, match=f"{path.name} is not unpacked: .*{reason}"):
        unpack(path, JPG, path.parent / "inner" / "out", lambda done, total: None)
    assert sorted(path.parent.rglob("*")) == before


def test_members_land_in_the_folder_whichever_folder_they_were_in(tmp_path):
    path = archive(
        tmp_path / "a.zip",
        {"deep/er/one.jpg": b"1", "TWO.JPG": b"22", "deep/notes.txt": b"no", "deep/.three.jpg": b"",
         "__MACOSX/deep/._one.jpg": b"x", "folder.jpg/": b""},
    )  # fmt: skip
    seen = []
    assert unpack(path, JPG, tmp_path / "out", lambda *done: seen.append(done)) == 2
    assert {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()} == {
        "one.jpg": b"1", "TWO.JPG": b"22",
    }  # fmt: skip
    assert seen == [(0, 3), (1, 3), (3, 3)]


@pytest.mark.parametrize(
    "name",
    ["../evil.jpg", "a/../../evil.jpg", "/tmp/evil.jpg", "..\\evil.jpg", "C:\\evil.jpg",
     "C:evil.jpg", "\\\\host\\share\\evil.jpg"],
)  # fmt: skip
def test_a_path_that_leads_elsewhere(tmp_path, name):
    refused(archive(tmp_path / "a.zip", {"fine.jpg": b"1", name: b"2"}), "leads out of its folder")


@pytest.mark.parametrize(
    "kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK]
)
@pytest.mark.parametrize("name", ["link.jpg", "unasked.txt"])
def test_a_link_or_a_device(tmp_path, kind, name):
    path = archive(tmp_path / "a.zip", {"fine.jpg": b"1", special(name, kind): b"/etc/passwd"})
    refused(path, "is neither a file nor a folder")


def test_a_bomb(tmp_path):
    path = archive(tmp_path / "a.zip", {"bomb.jpg": bytes(30_000_000)})
    assert path.stat().st_size < 50_000
    refused(path, r"would become 30000000")


def test_a_bomb_that_lies_about_its_size(tmp_path):
    path = archive(tmp_path / "a.zip", {"bomb.jpg": bytes(30_000_000)})
    data = path.read_bytes()
    honest, small = struct.pack("<L", 30_000_000), struct.pack("<L", 1000)
    assert data.count(honest) == 2
    path.write_bytes(data.replace(honest, small))
    with pytest.raises(RunError, match="is not unpacked"):
        unpack(path, JPG, tmp_path / "out", lambda *done: None)
    assert sum(p.stat().st_size for p in (tmp_path / "out").iterdir()) <= 1000


def test_too_many_members(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_MEMBERS", 3)
    refused(archive(tmp_path / "a.zip", {f"{i}.jpg": b"1" for i in range(4)}), "holds 4 files")


def test_one_name_twice(tmp_path):
    refused(archive(tmp_path / "a.zip", {"a/x.jpg": b"1", "b/x.jpg": b"2"}), "'x.jpg' twice")


def test_nothing_that_matches(tmp_path):
    refused(archive(tmp_path / "a.zip", {"a/x.png": b"1"}), r"no \*.jpg; the publisher")


@pytest.mark.parametrize("content", [b"", b"<html>Sign in</html>"])
def test_no_archive_at_all(tmp_path, content):
    (tmp_path / "a.zip").write_bytes(content)
    refused(tmp_path / "a.zip", "not a zip file")


def test_a_damaged_member(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as opened:
        opened.writestr("a.jpg", b"0123456789")
    path.write_bytes(path.read_bytes().replace(b"0123456789", b"0123456780"))
    with pytest.raises(RunError, match="Bad CRC-32"):
        unpack(path, JPG, tmp_path / "out", lambda *done: None)


def test_a_password(tmp_path):
    path = archive(tmp_path / "a.zip", {"a.jpg": b"0123456789"})
    data = bytearray(path.read_bytes())
    data[6] |= 1  # the flag in the member's own header ...
    data[data.index(b"PK\x01\x02") + 8] |= 1  # ... and in the directory
    path.write_bytes(data)
    with pytest.raises(RunError, match="password"):
        unpack(path, JPG, tmp_path / "out", lambda *done: None)
