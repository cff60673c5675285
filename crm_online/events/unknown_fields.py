"""A decoder of native JSON that learns which fields come often though no event has them, so that they cost little."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import attrgetter, or_
from types import GenericAlias
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, Struct

from crm_online.events import models
from crm_online.events.structs import EVENT_STRUCTS, AnyEvent, BasketStruct, LineStruct

_LINES: Final = "items"
"""In place of a type of event: the lines of baskets."""
_OF_LINES: Final = "items."
"""What the names of fields of lines begin with."""

_OFTEN: Final = 8
"""Occurrences in one batch from which a field is learned."""
_MOST: Final = 32
"""Fields that are learned of each type, at most: a decoder compares names one after the other."""
_ANNOTATED: Any = Annotated


@dataclass(frozen=True, slots=True)
class _Unknown:
    """The unknown fields of a struct: their names, and what returns their values, ``UNSET`` where there is none."""

    names: list[str]
    values: Callable[[object], tuple[object, ...]]
    absent: tuple[object, ...]

    def present(self, struct: Struct) -> list[str]:
        values = self.values(struct)
        if values == self.absent:
            return []
        if UNSET not in values:
            return self.names
        return [name for name, value in zip(self.names, values, strict=False) if value is not UNSET]


class UnknownFieldDecoder:
    """Decodes events with unknown fields into subclasses of their structs, once these fields were learned.

    Attributes
    ----------
    decode
        Returns the event of a line; raises what msgspec does, for a field that was not learned too.

    Examples
    --------
    >>> decoder = UnknownFieldDecoder()
    >>> decoder.learn([(EVENT_STRUCTS["erase"], "size"), (EVENT_STRUCTS["erase"], "colour")] * 9)
    >>> event = decoder.decode(b'{"type":"erase","time":"2024-01-01","customer_id":7,"size":[1]}')
    >>> event.customer_id, decoder.unknown_fields({0: event})
    (7, {0: ['size']})
    """

    decode: Callable[[bytes], AnyEvent]

    def __init__(self) -> None:
        self._learned: dict[str, tuple[str, ...]] = {}
        self._unknown: dict[type, _Unknown] = {}
        self._build()

    def unknown_fields(self, events: Mapping[int, AnyEvent | None]) -> dict[int, list[str]]:
        """Return the names of unknown fields of events, by place where there are some: of lines ``items.<name>``."""
        found: dict[int, list[str]] = {}
        unknown, of_lines = self._unknown, _LINES in self._learned
        for place, event in events.items():
            here = unknown.get(type(event))
            names = here.present(event) if here and event else []
            if of_lines and isinstance(event, BasketStruct):
                names = names + [
                    name for line in event.items if (here := unknown.get(type(line))) for name in here.present(line)
                ]
            if names:
                found[place] = names
        return found

    def learn(self, seen: Iterable[tuple[type[Struct], str]]) -> None:
        """Learn the unknown fields that occurred often, each given once a time by its event's struct and its name."""
        before = dict(self._learned)
        for (struct, name), times in Counter(seen).items():
            of_line = name.startswith(_OF_LINES)
            kind = _LINES if of_line else str(struct.__struct_config__.tag)
            name, known = name.removeprefix(_OF_LINES) if of_line else name, self._learned.get(kind, ())
            if times >= _OFTEN and len(known) < _MOST and name not in known:
                self._learned[kind] = (*known, name)
        if self._learned != before:
            self._build()

    def _build(self) -> None:
        line = self._extended(LineStruct, _LINES, prefix=_OF_LINES)
        lines = _ANNOTATED[GenericAlias(list, (line,)), Meta(min_length=1, max_length=models.MAX_LINES)]
        structs = []
        for name, struct in EVENT_STRUCTS.items():
            changed = [("items", lines)] if issubclass(struct, BasketStruct) and line is not LineStruct else []
            structs.append(self._extended(struct, name, changed))
        union: Any = reduce(or_, structs)
        self.decode = msgspec.json.Decoder(union).decode

    def _extended(
        self, struct: type[Struct], kind: str, changed: Iterable[tuple[str, Any]] = (), prefix: str = ""
    ) -> type[Struct]:
        """Return a struct with the unknown fields that were learned of it, and with some fields changed."""
        names, changed = self._learned.get(kind, ()), list(changed)
        if not names and not changed:
            return struct
        extra = {f"extra_{place}": name for place, name in enumerate(names)}
        fields: list[Any] = [*changed, *((attribute, object, UNSET) for attribute in extra)]
        tag: Any = {} if kind == _LINES else {"tag": kind, "tag_field": "type"}
        made = msgspec.defstruct(
            struct.__name__,
            fields,
            bases=(struct,),
            rename=extra,
            gc=False,
            forbid_unknown_fields=True,
            kw_only=True,
            **tag,
        )
        if names:
            attributes = [*extra]
            # Of one attribute alone it would be no tuple.
            values = attrgetter(*attributes, attributes[0])
            absent = (UNSET,) * (len(names) + 1)
            self._unknown[made] = _Unknown([prefix + name for name in names], values, absent)
        return made
