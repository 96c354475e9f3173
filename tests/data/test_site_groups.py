"""Grouping of body sites: row by row, the shipped mapping against the metadata, and its faults."""

from __future__ import annotations

import csv
from collections import Counter

import numpy as np
import pytest

from imbalance_derm.data.site_grouping import group_sites, load_site_groups, site_group_names
from imbalance_derm.errors import InputError

ISIC = {
    "anterior torso", "posterior torso", "lateral torso", "head/neck", "upper extremity",
    "lower extremity", "palms/soles", "oral/genital",
}  # fmt: skip
HAM10000 = (
    "abdomen", "acral", "back", "chest", "ear", "face", "foot", "genital", "hand",
    "lower extremity", "neck", "scalp", "trunk", "upper extremity",
)  # fmt: skip


def test_every_image_gets_the_group_of_its_site():
    rng = np.random.default_rng(0)
    mapping = load_site_groups("ham10000")
    names = tuple(rng.permutation(HAM10000))
    sites = rng.integers(-1, len(names), 500)
    groups, group_names = group_sites(sites, names, mapping)
    assert groups.dtype == np.int64
    assert group_names == tuple(sorted(group_names))
    for site, group in zip(sites, groups, strict=True):
        expected = mapping[names[site]] if site >= 0 else ""
        assert (group_names[group] if group >= 0 else "") == expected


def test_the_shipped_mapping_names_groups_of_isic_and_all_14_sites():
    mapping = load_site_groups("ham10000")
    assert sorted(mapping) == sorted(HAM10000)
    assert set(mapping.values()) - {""} <= ISIC
    assert [site for site, group in mapping.items() if not group] == ["trunk"]


def test_the_groups_of_the_real_data(data_root):
    with (data_root / "ham10000" / "HAM10000_metadata.csv").open() as file:
        found = Counter(row["localization"] for row in csv.DictReader(file))
    mapping = load_site_groups("ham10000")
    assert set(found) == {*mapping, "unknown"}
    sizes: Counter[str] = Counter()
    for site, group in mapping.items():
        sizes[group] += found[site]
    assert dict(sizes) == {
        "posterior torso": 2192, "anterior torso": 1429, "": 1404, "head/neck": 1097,
        "upper extremity": 1208, "lower extremity": 2396, "palms/soles": 7, "oral/genital": 48,
    }  # fmt: skip


def test_only_groups_that_occur_are_named():
    mapping = load_site_groups("ham10000")
    groups, names = group_sites(np.array([0, 1]), ("back", "trunk"), mapping)
    assert names == ("posterior torso",)
    assert groups.tolist() == [0, -1]


def test_without_sites_nothing_is_known():
    groups, names = group_sites(np.full(3, -1), (), {"back": "torso"})
    assert (groups.tolist(), names) == ([-1, -1, -1], ())


def test_a_site_without_a_group_is_named_with_the_nearest():
    with pytest.raises(InputError, match=r"'lower extremities'.*did you mean 'lower extremity'"):
        group_sites(np.array([0]), ("lower extremities",), load_site_groups("ham10000"))


def test_a_file_of_the_users_own(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('"Rücken" = "torso"\nface = ""\n', encoding="utf-8")
    assert load_site_groups(str(path)) == {"Rücken": "torso", "face": ""}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"back = torso\n", "not valid TOML"),
        (b"back = 3\n", "the group of 'back' is not a text"),
        (b'[torso]\nback = "x"\n', "the group of 'torso' is not a text"),
        (b'back = "\xff"\n', "not UTF-8"),
    ],
)
def test_a_file_that_is_no_mapping(tmp_path, content, said):
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=said) as told:
        load_site_groups(str(path))
    assert str(path) in str(told.value)
    assert "\n" not in str(told.value)


def test_an_unknown_name_or_path(tmp_path):
    assert site_group_names() == ["ham10000"]
    with pytest.raises(InputError, match="did you mean 'ham10000'"):
        load_site_groups("ham1000")
    with pytest.raises(InputError, match=r"cannot read site groups .*none\.toml"):
        load_site_groups(str(tmp_path / "none.toml"))
