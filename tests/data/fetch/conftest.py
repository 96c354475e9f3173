"""A publisher on this machine: a server with byte ranges, and small data sets on it."""

from __future__ import annotations

import io
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import tomli_w
from PIL import Image

from imbalance_derm.data.fetch.catalogue import Entry, read_entry
from imbalance_derm.data.fetch.download import new_session

TRAINING = "ISBI2016_ISIC_Part3_Training"
TEST = "ISBI2016_ISIC_Part3_Test"


@dataclass
class Answer:
    """What the server said to one request, and how many bytes of the file it sent.

    Noted before the bytes go out: who has them may look.
    """

    path: str
    asked: str | None
    status: int
    sent: int = 0


@dataclass
class Publisher:
    """Files by path, how the server treats ranges, and what it was asked."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    ranges: bool = True
    heeds_if_range: bool = True
    cut_after: dict[str, list[int]] = field(default_factory=dict)
    hang_after: dict[str, int] = field(default_factory=dict)
    statuses: dict[str, list[int]] = field(default_factory=dict)
    released: threading.Event = field(default_factory=threading.Event)
    log: list[Answer] = field(default_factory=list)

    def asked_for(self, name: str) -> list[Answer]:
        return [answer for answer in self.log if answer.path == name]


class _Handler(BaseHTTPRequestHandler):
    publisher: Publisher

    def do_GET(self) -> None:
        shop, name = self.publisher, self.path.lstrip("/")
        asked = self.headers["Range"]
        status = shop.statuses.get(name) and shop.statuses[name].pop(0)
        if status or name not in shop.files:
            status = status or 404
            shop.log.append(Answer(name, asked, status))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body, tag, start, status = shop.files[name], shop.tags.get(name, ""), 0, 200
        same = self.headers["If-Range"] == tag or not shop.heeds_if_range
        if asked and shop.ranges and same:
            start, status = int(asked.removeprefix("bytes=").rstrip("-")), 206
        answer = Answer(name, asked, status)
        shop.log.append(answer)
        self.send_response(status)
        if tag:
            self.send_header("ETag", tag)
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        cuts = shop.cut_after.get(name)
        end = min(len(body), start + cuts.pop(0)) if cuts else len(body)
        hang = shop.hang_after.pop(name, None)
        try:
            if hang is not None:
                answer.sent = hang - start
                self.wfile.write(body[start:hang])
                start = hang
                shop.released.wait(60)
            answer.sent += end - start
            self.wfile.write(body[start:end])
        except ConnectionError:
            pass
        self.close_connection = True

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    """A server on the loopback interface."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    shop = Publisher()
    handler = type("Handler", (_Handler,), {"publisher": shop})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    shop.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield shop
    shop.released.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def session():
    """A session that does not wait between its tries."""
    return new_session(backoff=0)


def zipped(members: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return data.getvalue()


def picture(seed: int, suffix: str = "jpeg") -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, format=suffix)
    return data.getvalue()


@pytest.fixture
def pictures() -> Callable[..., bytes]:
    """``pictures(seed, format)`` is an image file that no other seed gives."""
    return picture


@pytest.fixture
def zip_of() -> Callable[[dict[str, bytes]], bytes]:
    """``zip_of({name: content})`` is an archive."""
    return zipped


@pytest.fixture
def isic2016(publisher: Publisher, tmp_path: Path) -> Entry:
    """A small set in the layout of ISIC 2016, on the server; the training archive has 3 MB."""
    noise = np.random.default_rng(0).bytes(3_000_000)
    training = {f"{TRAINING}_Data/ISIC_{i:07d}.jpg": picture(i) for i in range(12)}
    test = {f"{TEST}_Data/ISIC_{i:07d}.jpg": picture(i) for i in range(100, 106)}
    rows = {
        TRAINING: [f"ISIC_{i:07d},{'malignant' if i % 3 == 0 else 'benign'}" for i in range(12)],
        TEST: [f"ISIC_{i:07d},{float(i % 2)}" for i in range(100, 106)],
    }
    publisher.files = {
        f"{TRAINING}_Data.zip": zipped({**training, f"{TRAINING}_Data/LICENSE.txt": noise}),
        f"{TRAINING}_GroundTruth.csv": "\n".join(rows[TRAINING]).encode(),
        f"{TEST}_Data.zip": zipped(test),
        f"{TEST}_GroundTruth.csv": "\n".join(rows[TEST]).encode(),
    }
    publisher.tags = {name: f'"{name}-1"' for name in publisher.files}
    files = []
    for name, content in publisher.files.items():
        file = {"name": name, "urls": [f"{publisher.url}/{name}"], "size": len(content)}
        images = {"members": "*.jpg", "to": name.removesuffix(".zip")}
        files.append({**file, "checksum": "", **(images if name.endswith(".zip") else {})})
    licence = {"name": "CC0 1.0", "url": "https://example.org/cc0", "gist": "Anything goes."}
    entry = {
        "title": "Noise in the layout of ISIC 2016", "images": 18, "citation": "Nobody 2016",
        "homepage": "https://example.org", "licence": licence, "files": files,
        "then": ["imbderm data inspect isic2016 --data-root {root}"],
    }  # fmt: skip
    path = tmp_path / "catalogue" / "isic2016.toml"
    path.parent.mkdir()
    path.write_text(tomli_w.dumps(entry), encoding="utf-8")
    return read_entry(path)
