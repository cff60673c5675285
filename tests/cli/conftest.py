"""A replay and a look-up that give canned answers and remember what they were asked."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from crm_online.cli.main import run
from crm_online.errors import UnknownCustomer
from crm_online.privacy.pseudonyms import Pseudonyms
from crm_online.settings import Settings
from tests.cli import answers


@dataclass
class Asked:
    """What the commands called, in order, and what is to go wrong."""

    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    fails_with: BaseException | None = None
    summary: str | None = None
    verified: dict[str, Any] = field(default_factory=lambda: answers.VERIFIED)

    def note(self, call: str, /, **arguments: Any) -> None:
        self.calls.append((call, arguments))
        if self.fails_with:
            raise self.fails_with


class CannedLookup:
    """Stands in for `crm_online.lookup.Lookup`."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self.settings = Settings()

    def segments(self, as_of: int | None, linkage: str = "average", of: str = "segments") -> dict[str, Any]:
        self._asked.note("segments", as_of=as_of, linkage=str(linkage), of=str(of))
        return answers.SEGMENTS

    def segment_names(self) -> dict[str, str]:
        self._asked.note("segment_names")
        return {one["id"]: one["name"] for one in answers.SEGMENTS["segments"]}

    def rules(
        self, as_of: int | None, top: int | None, sort: str, item: str | None, segment: str | None = None
    ) -> list[dict[str, Any]]:
        self._asked.note("rules", as_of=as_of, top=top, sort=sort, item=item, segment=segment)
        return answers.RULES

    def customer(self, name: str, as_of: int | None) -> dict[str, Any]:
        self._asked.note("customer", name=name, as_of=as_of)
        if name != "1364":
            raise UnknownCustomer(f"no customer {name!r} in the state")
        return answers.CUSTOMER

    def recommend(
        self, customer: str | None, basket: list[str], top: int, *, exclude: list[str], new_only: bool
    ) -> dict[str, Any]:
        self._asked.note("recommend", customer=customer, basket=basket, top=top, exclude=exclude, new_only=new_only)
        return answers.RECOMMENDED

    def drifts(self, most: int) -> list[dict[str, Any]]:
        self._asked.note("drifts", most=most)
        return answers.DRIFTS[:most]

    def recommend_each(self, customers: list[str], top: int, *, exclude: list[str], new_only: bool) -> dict[str, Any]:
        self._asked.note("recommend_each", customers=customers, top=top, exclude=exclude, new_only=new_only)
        return {"recommendations": [answers.RECOMMENDED], "missing": ["stranger"]}

    def verify(self) -> dict[str, Any]:
        self._asked.note("verify")
        return self._asked.verified

    def export(self, folder: Path, as_of: int | None) -> dict[str, int]:
        self._asked.note("export", folder=folder, as_of=as_of)
        return {"customers.parquet": 2469, "rules.parquet": 2}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Asked:
    """Put canned answers in the place of replay and look-up, in an empty working folder."""
    asked = Asked()

    @contextmanager
    def open_lookup(state: str, pseudonyms: Pseudonyms) -> Iterator[CannedLookup]:
        asked.note("open_lookup", state=state)
        yield CannedLookup(asked)

    def replay(paths: list[Path], *, on_progress: Callable[[Any], None], **arguments: Any) -> SimpleNamespace:
        asked.note("replay", paths=paths, **arguments)
        for fraction in (0.5, 1.0):
            on_progress(SimpleNamespace(fraction=fraction, events=int(fraction * 1000), events_per_second=500.0))
        tally = SimpleNamespace(summary=lambda rows: asked.summary)
        return SimpleNamespace(
            as_dict=lambda: answers.REPLAYED,
            durable=True,
            epsilon=0.001,
            doubtful_baskets=0,
            late=0,
            rejects=tally,
            events=155900,
            held=0,
            lost=0,
        )

    for name, content in (("lookup", {"open_lookup": open_lookup}), ("replay", {"replay": replay})):
        module = ModuleType(f"crm_online.{name}")
        module.__dict__.update(content)
        monkeypatch.setitem(sys.modules, f"crm_online.{name}", module)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CRM_ONLINE_STATE", raising=False)
    return asked


@dataclass
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


Crm = Callable[..., Ended]


@pytest.fixture
def crm(capsys: pytest.CaptureFixture[str]) -> Crm:
    """Run the command line in this process."""

    def call(*arguments: str) -> Ended:
        code = run(arguments)
        out, err = capsys.readouterr()
        return Ended(code, out, err)

    return call
