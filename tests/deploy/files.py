"""The files of the deployment, read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]


def read_yaml(path: str) -> Any:
    """Return what a YAML file of the checkout holds."""
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


def services() -> dict[str, dict[str, Any]]:
    """Return the services of docker-compose.yml by name."""
    found: dict[str, dict[str, Any]] = read_yaml("docker-compose.yml")["services"]
    return found


def instructions() -> list[tuple[str, str]]:
    """Return the instructions of the Dockerfile and what follows them, joined where a line goes on."""
    text = re.sub(r"\\\n\s*", " ", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    lines = (line.partition(" ") for line in text.splitlines() if line and not line.startswith("#"))
    return [(name, rest) for name, _, rest in lines]


def image_environment() -> dict[str, str]:
    """Return the variables that the Dockerfile sets for the image."""
    last = [rest for name, rest in instructions() if name == "ENV"][-1]
    return dict(re.findall(r"(\w+)=(\S+)", last))
