import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deskwheel.errors import SetupError
from train.bases.candidates import find_candidate, folder_fingerprint

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(BaseHTTPRequestHandler):
    """As much of a hub as is asked: one open model, one gated one."""

    def do_GET(self) -> None:
        if "gated" in self.path:
            self.send_response(403)
            self.send_header("X-Error-Code", "GatedRepo")
        elif "toys/open" in self.path:
            self.send_response(200)
        else:
            self.send_response(404)
            self.send_header("X-Error-Code", "RepoNotFound")
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        body = {
            "id": "toys/open", "sha": COMMIT, "cardData": {"license": "llama3"},
            "siblings": [{"rfilename": "model.safetensors", "size": 5}, {"rfilename": "x.bin"}],
        }  # fmt: skip
        self.wfile.write(json.dumps(body).encode())

    do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(
        "huggingface_hub.constants.ENDPOINT", f"http://127.0.0.1:{server.server_port}"
    )
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    yield
    server.shutdown()
    server.server_close()


def saved(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"12345")
    return folder


def test_the_demo_base_is_a_candidate_under_our_licence() -> None:
    found = find_candidate("demo", revision="main")
    assert found.is_local
    assert found.licence.name == "apache-2.0"
    assert found.weights_bytes > 10**7


def test_a_folder_is_found_without_a_hub(tmp_path: Path) -> None:
    found = find_candidate(str(saved(tmp_path / "base")), revision="main")
    assert found.location == str((tmp_path / "base").resolve())
    assert (found.weights_bytes, found.licence.terms) == (5, "unknown")


@pytest.mark.parametrize(
    ("missing", "said"), [("config.json", "no config.json"), ("model.safetensors", "can run code")]
)
def test_a_folder_without_a_model_is_refused(tmp_path: Path, missing: str, said: str) -> None:
    (saved(tmp_path / "base") / missing).unlink()
    with pytest.raises(SetupError, match=said):
        find_candidate(str(tmp_path / "base"), revision="main")


@pytest.mark.parametrize("name", ["./none", "/none/at/all", "a/b/c"])
def test_a_path_that_is_not_there_is_no_hub_id(name: str) -> None:
    with pytest.raises(SetupError, match="no folder"):
        find_candidate(name, revision="main")


def test_a_fingerprint_follows_names_and_contents(tmp_path: Path) -> None:
    folder = saved(tmp_path / "base")
    first = folder_fingerprint(folder)
    (folder / "model.safetensors").write_bytes(b"12346")
    second = folder_fingerprint(folder)
    (folder / "model.safetensors").rename(folder / "other.safetensors")
    assert len({first, second, folder_fingerprint(folder)}) == 3


def test_both_ends_of_large_weights_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("train.bases.candidates._WHOLE_BYTES", 3)
    monkeypatch.setattr("train.bases.candidates._EDGE_BYTES", 2)
    folder = saved(tmp_path / "base")
    seen = {folder_fingerprint(folder)}
    for raw in (b"X2345", b"1234X"):
        (folder / "model.safetensors").write_bytes(raw)
        seen.add(folder_fingerprint(folder))
    assert len(seen) == 3


@pytest.mark.usefixtures("hub")
def test_a_model_of_the_hub_comes_with_commit_licence_and_size() -> None:
    found = find_candidate("toys/open@v2", revision="main")
    assert (found.location, found.revision, found.is_local) == ("toys/open", COMMIT, False)
    assert (found.licence.name, found.licence.source) == ("llama3", "model card")
    assert found.weights_bytes == 5


@pytest.mark.usefixtures("hub")
def test_a_gated_model_says_what_to_do() -> None:
    with pytest.raises(SetupError, match="gated: accept its licence.*HF_TOKEN"):
        find_candidate("toys/gated", revision="main")


@pytest.mark.usefixtures("hub")
def test_an_unknown_model_says_what_to_do() -> None:
    with pytest.raises(SetupError, match="no such model"):
        find_candidate("toys/none", revision="main")


def test_without_a_network_a_download_of_before_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(SetupError, match="hub cannot be reached"):
        find_candidate("toys/open", revision="main")
    cache = tmp_path / "models--toys--open"
    saved(cache / "snapshots" / COMMIT)
    (cache / "refs").mkdir()
    (cache / "refs" / "main").write_text(COMMIT)
    found = find_candidate("toys/open", revision="main")
    assert (found.revision, found.weights_bytes) == (COMMIT, 5)
