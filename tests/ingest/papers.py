"""Toy certificates, signed tokens and a token endpoint, for tests of the way to Kafka."""

import base64
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Papers:
    """PEM files of an authority, the broker and a client."""

    ca: Path
    broker: Path
    cert: Path
    key: Path


def make_papers(folder: Path) -> Papers:
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca = _certificate("toy authority", ca_key, ca_key, "toy authority", is_ca=True)
    pem = serialization.Encoding.PEM
    (folder / "ca.pem").write_bytes(ca.public_bytes(pem))
    for name in ("broker", "client"):
        key = ec.generate_private_key(ec.SECP256R1())
        cert = _certificate(name, key, ca_key, "toy authority", is_ca=False).public_bytes(pem)
        private = key.private_bytes(
            pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (folder / f"{name}.crt").write_bytes(cert)
        (folder / f"{name}.key").write_bytes(private)
        (folder / f"{name}.pem").write_bytes(private + cert)
    return Papers(
        folder / "ca.pem", folder / "broker.pem", folder / "client.crt", folder / "client.key"
    )


def _certificate(
    name: str, key: Any, issuer_key: Any, issuer: str, *, is_ca: bool
) -> x509.Certificate:
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
    )
    return builder.sign(issuer_key, hashes.SHA256())


SIGNING_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed_token(claims: dict[str, Any]) -> str:
    """A JSON Web Token, signed as RS256."""
    head = {"alg": "RS256", "typ": "JWT", "kid": "toy"}
    text = ".".join(_base64(json.dumps(part).encode()) for part in (head, claims))
    signature = SIGNING_KEY.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{text}.{_base64(signature)}"


def write_keys(file: Path) -> Path:
    """The public key as brokers read it (JWKS)."""
    numbers = SIGNING_KEY.public_key().public_numbers()
    key = {
        "kty": "RSA",
        "use": "sig",
        "alg": "RS256",
        "kid": "toy",
        "n": _base64(numbers.n.to_bytes(256, "big")),
        "e": _base64(numbers.e.to_bytes(3, "big")),
    }
    file.write_text(json.dumps({"keys": [key]}))
    return file


@dataclass
class Endpoint:
    """A token endpoint of a test: gives signed tokens, or what it is told to."""

    url: str = ""
    lifetime_s: float = 3600
    answers: list[tuple[int, bytes]] = field(default_factory=list)
    """Given first, one each."""
    asked: list[tuple[str, bytes]] = field(default_factory=list)

    def answer(self) -> tuple[int, bytes]:
        if self.answers:
            return self.answers.pop(0)
        now = int(time.time())
        claims = {"sub": "desk", "iss": "https://id.example.com", "aud": "toy-cluster"}
        token = signed_token({**claims, "iat": now, "exp": now + 3600})
        body = {"access_token": token, "token_type": "Bearer", "expires_in": self.lifetime_s}
        return 200, json.dumps(body).encode()


@contextmanager
def token_endpoint() -> Iterator[Endpoint]:
    """An endpoint on a free port, as long as the block."""
    told = Endpoint()

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # noqa: N802  the name that http.server calls
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.asked.append((self.headers["Authorization"], body))
            status, answer = told.answer()
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", answer.decode())
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        told.url = f"http://127.0.0.1:{server.server_port}/token"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield told
        server.shutdown()
        thread.join()
