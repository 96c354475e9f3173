"""The catalogue, and whether what it lays out is what the data sources read."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomli_w
from pydantic import ValidationError

from imbalance_derm.data.fetch.catalogue import Entry, entries, find_entry, read_entry
from imbalance_derm.data.fetch.fetch import fetch
from imbalance_derm.data.sources.ham10000 import Ham10000
from imbalance_derm.data.sources.isic2016 import Isic2016
from imbalance_derm.errors import InputError


def moved(entry: Entry, publisher, contents: dict[str, bytes]) -> Entry:
    """The catalogue's own entry, with our server's addresses and our contents."""
    publisher.files |= contents
    files = [
        file.model_copy(update={"urls": [f"{publisher.url}/{file.name}"], "checksum": ""})
        for file in entry.files
    ]
    assert {file.name for file in files} == set(contents)
    return entry.model_copy(update={"files": files})


def test_isic2016_is_laid_out_as_its_source_reads_it(
    publisher, session, tmp_path, zip_of, pictures
):
    contents = {}
    for part, ids, labels in (("Training", (0, 1), ("benign", "malignant")),
                              ("Test", (3, 12), ("0.0", "1.0"))):  # fmt: skip
        stem = f"ISBI2016_ISIC_Part3_{part}"
        names = [f"ISIC_{i:07d}" for i in ids]
        images = {f"{stem}_Data/{name}.jpg": pictures(i) for i, name in enumerate(names)}
        contents[f"{stem}_Data.zip"] = zip_of(images)
        lines = [f"{name},{label}" for name, label in zip(names, labels, strict=True)]
        contents[f"{stem}_GroundTruth.csv"] = "\n".join(lines).encode()
    fetch(moved(find_entry("isic2016"), publisher, contents), tmp_path, session=session)
    table = Isic2016().table(tmp_path)
    assert table["label"].tolist() == ["benign", "malignant"] * 2
    assert all(Path(source).is_file() for source in table["source"])


def test_ham10000_and_its_test_set_are_laid_out_as_their_source_reads_them(
    publisher, session, tmp_path, zip_of, pictures
):
    header = "lesion_id,image_id,dx,dx_type,age,sex,localization,dataset"
    rows = [f"HAM_{i},ISIC_{i:07d},{dx},histo,50,male,back,vidir_modern"
            for i, dx in enumerate(("nv", "mel"))]  # fmt: skip
    masks = {f"HAM10000_segmentations_lesion_tschandl/ISIC_{i:07d}_segmentation.png":
             pictures(i, "png") for i in range(2)}  # fmt: skip
    ham = {
        "HAM10000_images_part_1.zip": zip_of({"ISIC_0000000.jpg": pictures(0)}),
        "HAM10000_images_part_2.zip": zip_of({"ISIC_0000001.jpg": pictures(1)}),
        "HAM10000_metadata.csv": "\n".join([header, *rows]).encode(),
        "HAM10000_segmentations_lesion_tschandl.zip": zip_of(masks),
    }
    truth = b"image,MEL,NV,BCC,AKIEC,BKL,DF,VASC\nISIC_0000009,0,0,0,0,0,1,0\n"
    test = {
        "ISIC2018_Task3_Test_Input.zip": zip_of({
            "ISIC2018_Task3_Test_Input/ISIC_0000009.jpg": pictures(9),
            "ISIC2018_Task3_Test_Input/LICENSE.txt": b"CC BY-NC",
        }),
        "ISIC2018_Task3_Test_GroundTruth.zip": zip_of({
            "ISIC2018_Task3_Test_GroundTruth/ISIC2018_Task3_Test_GroundTruth.csv": truth,
            "ISIC2018_Task3_Test_GroundTruth/LICENSE.txt": b"CC BY-NC",
        }),
    }  # fmt: skip
    fetch(moved(find_entry("ham10000"), publisher, ham), tmp_path, session=session)
    fetch(moved(find_entry("isic2018_test"), publisher, test), tmp_path, session=session)
    dataset = Ham10000()
    table = dataset.table(tmp_path)
    assert table["label"].tolist() == ["nv", "mel", "df"]
    assert table["split"].tolist() == ["train", "train", "test"]
    assert all(Path(source).is_file() for source in table["source"])
    assert dataset.mask(table.loc[1, "source"]).shape == (40, 50)


@pytest.mark.parametrize("name", entries())
def test_an_entry_is_from_its_publisher_and_encrypted(name):
    entry = find_entry(name)
    for file in entry.files:
        for url in file.urls:
            assert url.startswith((
                "https://isic-archive.s3.amazonaws.com/challenges/",
                "https://isic-challenge-data.s3.amazonaws.com/",
                "https://dataverse.harvard.edu/api/access/datafile/",
            ))  # fmt: skip
            assert "dataverse" in url or url.endswith(f"/{file.name}")
    assert entry.licence.url.startswith("https://creativecommons.org/")


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(InputError, match=r"'isic2018'.*did you mean 'isic20"):
        find_entry("isic2018")


@pytest.mark.parametrize(
    ("key", "value"),
    [("name", "../evil"), ("name", ".hidden"), ("to", "../up"), ("to", "/etc"), ("urls", []),
     ("checksum", "md5:1234"), ("checksum", "crc32:12345678"), ("colour", "red")],
)  # fmt: skip
def test_a_faulty_entry_is_refused(isic2016, tmp_path, key, value):
    tree = isic2016.model_dump(exclude={"name"})
    tree["files"][0][key] = value
    path = tmp_path / "faulty.toml"
    path.write_text(tomli_w.dumps(tree))
    with pytest.raises(ValidationError, match=key):
        read_entry(path)
