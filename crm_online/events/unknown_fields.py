"""A decoder of native JSON that learns which fields come often though no event has them, so that they cost little."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import chain, repeat
from operator import attrgetter, or_
from types import GenericAlias
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Raw, Struct

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
    """The unknown fields of a struct: their names, and what returns their values and the first once more.

    ``lines`` are those of its lines, where these have some.
    """

    names: list[str]
    values: Callable[[Struct], tuple[object, ...]]
    lines: _Unknown | None = None

    def in_all(self, structs: Iterable[Struct]) -> bool:
        """Return whether each of some structs has all of the fields."""
        return not self.names or all(chain.from_iterable(map(self.values, structs)))

    def present(self, struct: Struct) -> list[str]:
        """Return the names of the fields that a struct has, and then its lines."""
        names = [name for name, value in zip(self.names, self.values(struct), strict=False) if value]
        return [*names, *chain.from_iterable(map(self.lines.present, _lines(struct)))] if self.lines else names

    def of_each(self, structs: Sequence[Struct]) -> Iterable[list[str]]:
        """Return what :meth:`present` does of each of some structs: soon, where all have all fields."""
        if not self.in_all(structs):
            return map(self.present, structs)
        if self.lines is None:
            return repeat(self.names, len(structs))
        lines = [_lines(struct) for struct in structs]
        if not self.lines.in_all(chain.from_iterable(lines)):
            return map(self.present, structs)
        counts = [*map(len, lines)]
        names = {count: self.names + self.lines.names * count for count in set(counts)}
        return map(names.__getitem__, counts)


def _lines(struct: Struct) -> Sequence[LineStruct]:
    return struct.items if isinstance(struct, BasketStruct) else ()


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
        places: dict[type, list[int]] = {}
        if self._unknown:
            for place, event in events.items():
                places.setdefault(type(event), []).append(place)
        found: dict[int, list[str]] = {}
        for kind, here in places.items():
            if unknown := self._unknown.get(kind):
                structs = [event for place in here if (event := events[place]) is not None]
                found.update(zip(here, unknown.of_each(structs), strict=True))
        return {place: names for place, names in found.items() if names}

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
        line, of_lines = self._extended(LineStruct, _LINES, prefix=_OF_LINES)
        lines = _ANNOTATED[GenericAlias(list, (line,)), Meta(min_length=1, max_length=models.MAX_LINES)]
        structs = []
        for name, struct in EVENT_STRUCTS.items():
            changed = [("items", lines)] if issubclass(struct, BasketStruct) and of_lines else []
            made, unknown = self._extended(struct, name, changed)
            if unknown is not None:
                self._unknown[made] = replace(unknown, lines=of_lines if changed else None)
            structs.append(made)
        union: Any = reduce(or_, structs)
        self.decode = msgspec.json.Decoder(union).decode

    def _extended(
        self, struct: type[Struct], kind: str, changed: Iterable[tuple[str, Any]] = (), prefix: str = ""
    ) -> tuple[type[Struct], _Unknown | None]:
        """Return a struct with the unknown fields that were learned of it, and with some fields changed; and these."""
        names, changed = self._learned.get(kind, ()), list(changed)
        if not names and not changed:
            return struct, None
        extra = {f"extra_{place}": name for place, name in enumerate(names)}
        # Raw makes no value of what nobody reads; it is true whatever it holds, null too.
        fields: list[Any] = [*changed, *((attribute, Raw, None) for attribute in extra)]
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
        return made, _Unknown([prefix + name for name in names], _values(list(extra)))


def _values(attributes: list[str]) -> Callable[[Struct], tuple[object, ...]]:
    """Return what returns the values of some attributes."""
    if not attributes:
        return lambda _: ()
    return attrgetter(*attributes, attributes[0])  # of one attribute alone it would be no tuple
