"""Certificates for TLS in tests, made anew each time."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

_KEY = ["-newkey", "rsa:2048", "-nodes", "-days", "2"]


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM files: the authority's certificate; and of each side, certificate, private key, and both in one file."""

    authority: Path
    server: Path
    server_key: Path
    server_both: Path
    client: Path
    client_key: Path
    client_both: Path


def make(folder: Path) -> Certificates:
    """Make an authority and what it signs: a server at localhost and 127.0.0.1, and a client."""
    folder.mkdir(parents=True, exist_ok=True)
    authority = folder / "authority.pem"
    _openssl(*_KEY, "-subj", "/CN=authority of the tests", "-keyout", folder / "authority.key", "-out", authority)
    for name in ("server", "client"):
        certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
        _openssl(
            *_KEY,
            *("-CA", authority, "-CAkey", folder / "authority.key", "-subj", f"/CN={name}"),
            *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-addext", "basicConstraints=CA:FALSE"),
            *("-keyout", key, "-out", certificate),
        )
        (folder / f"{name}-both.pem").write_bytes(key.read_bytes() + certificate.read_bytes())
    return Certificates(
        authority,
        *(folder / f"{name}{end}" for name in ("server", "client") for end in (".pem", ".key", "-both.pem")),
    )


def _openssl(*options: str | Path) -> None:
    subprocess.run(["openssl", "req", "-x509", *options], check=True, capture_output=True)
