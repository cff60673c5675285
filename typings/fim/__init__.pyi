from collections.abc import Hashable, Iterable
from typing import Any

# `report` decides what each tuple holds behind its items: see the documentation of pyfim.
def fpgrowth(
    tracts: Iterable[Iterable[Hashable]],
    target: str = ...,
    supp: float = ...,
    zmin: int = ...,
    zmax: int = ...,
    report: str = ...,
    eval: str = ...,
    agg: str = ...,
    thresh: float = ...,
    prune: int | None = ...,
    algo: str = ...,
    mode: str = ...,
    border: Any = ...,
    conf: float = ...,
) -> list[tuple[Any, ...]]: ...
def eclat(
    tracts: Iterable[Iterable[Hashable]],
    target: str = ...,
    supp: float = ...,
    zmin: int = ...,
    zmax: int = ...,
    report: str = ...,
    eval: str = ...,
    agg: str = ...,
    thresh: float = ...,
    prune: int | None = ...,
    algo: str = ...,
    mode: str = ...,
    border: Any = ...,
    conf: float = ...,
) -> list[tuple[Any, ...]]: ...
def apriori(
    tracts: Iterable[Iterable[Hashable]],
    target: str = ...,
    supp: float = ...,
    zmin: int = ...,
    zmax: int = ...,
    report: str = ...,
    eval: str = ...,
    agg: str = ...,
    thresh: float = ...,
    prune: int | None = ...,
    algo: str = ...,
    mode: str = ...,
    border: Any = ...,
    conf: float = ...,
) -> list[tuple[Any, ...]]: ...
def arules(
    tracts: Iterable[Iterable[Hashable]],
    supp: float = ...,
    conf: float = ...,
    zmin: int = ...,
    zmax: int = ...,
    report: str = ...,
    eval: str = ...,
    thresh: float = ...,
    mode: str = ...,
    appear: dict[Hashable, str] | None = ...,
) -> list[tuple[Any, ...]]: ...
