"""Zips that are damaged, or made to write or to fill where they must not."""

from __future__ import annotations

import stat
import tracemalloc
import warnings
import zipfile
import zlib
from pathlib import Path

import pytest

from imbalance_derm.benchmark import unpack
from imbalance_derm.benchmark.unpack import read_bundle
from imbalance_derm.errors import InputError

FILES = {"run/record.json": b"0123456789" * 30, "run/spec.toml": bytes(range(80))}


@pytest.fixture
def packed(tmp_path) -> Path:
    return pack(tmp_path / "b.zip", FILES.items())


def pack(file: Path, files, mode: int = 0o100644, how: int = zipfile.ZIP_DEFLATED) -> Path:
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w") as target:
        warnings.simplefilter("ignore")  # of duplicate names
        for name, content in files:
            entry = zipfile.ZipInfo(name)
            entry.external_attr, entry.compress_type = mode << 16, how
            target.writestr(entry, content)
    return file


def refused(file: Path, *words: str) -> None:
    with pytest.raises(InputError) as told:
        read_bundle(file)
    assert told.value.exit_code == 2
    assert "\n" not in str(told.value)
    assert "is not a readable bundle: " in str(told.value)
    for word in words:
        assert word in str(told.value)


def test_a_whole_one_is_read(packed):
    assert read_bundle(packed) == FILES


def test_a_flipped_byte_or_a_cut_is_refused_or_changes_nothing(packed):
    whole = packed.read_bytes()
    raised = set()
    damaged = [whole[:place] for place in range(len(whole))]
    for place, byte in enumerate(whole):
        for mask in (0xFF, 0x01):
            damaged.append(whole[:place] + bytes([byte ^ mask]) + whole[place + 1 :])
    for content in damaged:
        packed.write_bytes(content)
        try:
            found = read_bundle(packed)
        except InputError as error:
            raised.add(type(error.__cause__))
        else:  # a name, a date; what is said of it is for the checksums
            assert set(found.values()) <= {*FILES.values(), b""}
    assert {zipfile.BadZipFile, zlib.error} <= raised


def test_a_member_that_ends_before_its_time_is_refused(packed, monkeypatch):
    def cut(*_):
        raise EOFError

    monkeypatch.setattr(zipfile.ZipExtFile, "read", cut)
    refused(packed, "cut off")


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd", "../out", "run/../../out", "run/./a", "run//a", "C:/out", "..\\out",
        "run/\x1b[2J", "run/" + "a" * 256, "a/" * 600 + "a",
    ],
)  # fmt: skip
def test_a_name_that_leads_elsewhere_is_refused(tmp_path, name):
    refused(pack(tmp_path / "b.zip", [(name, b"")]), "is no name of a file in a folder")


def test_names_that_stand_twice_are_refused(tmp_path):
    refused(pack(tmp_path / "b.zip", [("a/b", b"1"), ("a/b", b"2")]), "a/b is in it twice")
    refused(pack(tmp_path / "b.zip", [("a/b", b"1"), ("a/b/c", b"")]), "a/b is a file and a folder")


def test_a_link_is_refused(tmp_path):
    link = stat.S_IFLNK | 0o777
    refused(pack(tmp_path / "b.zip", [("a/b", b"/etc/passwd")], link), "a/b is a link")


def test_other_ways_of_packing_are_refused(tmp_path):
    refused(pack(tmp_path / "b.zip", FILES.items(), how=zipfile.ZIP_BZIP2), "than by deflate")


def test_too_many_bytes_or_files_are_refused(packed, monkeypatch):
    monkeypatch.setattr(unpack, "MOST_BYTES", 379)  # together they have 380
    refused(packed, "more than 379 bytes")
    monkeypatch.setattr(unpack, "MOST_BYTES", 10)  # the zip itself
    refused(packed, "more than 10 bytes")
    monkeypatch.setattr(unpack, "MOST_BYTES", 1000)
    monkeypatch.setattr(unpack, "MOST_FILES", 1)
    refused(packed, "more than 1 files")


def test_no_more_is_unpacked_than_an_entry_says(tmp_path):
    size = 2**26
    file = pack(tmp_path / "b.zip", [("a/b", bytes(size))])
    # In the header of the file and in that of the directory it says 10 bytes.
    file.write_bytes(file.read_bytes().replace(size.to_bytes(4, "little"), b"\x0a\0\0\0"))
    tracemalloc.start()
    refused(file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < size / 16
