"""An event loop in which nothing happens by itself: time is a number, threads are greenlets, a seed draws the order."""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from itertools import count
from random import Random
from typing import Any, Final, TypeVar, TypeVarTuple

from greenlet import getcurrent, greenlet

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

PROCESS: ContextVar[str | None] = ContextVar("process", default=None)
"""The simulated process that a task, a callback or a thread is of; ``None``: the world outside of all of them."""

OUTSIDE: Final = Context()
"""The context of what happens whatever becomes of the process that began it."""


class DeadlockError(Exception):
    """Nothing is left that could happen."""


class _Future(asyncio.Future[Any]):
    """A future that a set keeps in the same place whatever its address is."""

    def __init__(self, number: int, loop: asyncio.AbstractEventLoop) -> None:
        self._number = number
        super().__init__(loop=loop)

    def __hash__(self) -> int:
        return self._number


class _Task(asyncio.Task[Any]):
    """A task that a set keeps in the same place whatever its address is."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], number: int, **options: Any) -> None:
        self._number = number
        super().__init__(coroutine, **options)

    def __hash__(self) -> int:
        return self._number


class SimulatedLoop(asyncio.BaseEventLoop):
    """Runs what is due in an order that a seed decides, and moves time on to what is due next.

    Callbacks of one process keep their order, as asyncio promises; those of several are mixed. A process can be held,
    as by SIGSTOP, and killed, as by SIGKILL: nothing of it runs any more then, no ``finally`` either. What it gives to
    threads runs in greenlets, which let others run wherever they call :meth:`pause`: so a thread can be overtaken, or
    killed, between any two commands that it sends, and it is always the same ones for the same seed.

    Parameters
    ----------
    random
        What the order is drawn from.
    """

    def __init__(self, random: Random) -> None:
        super().__init__()
        self._random = random
        self._now = 0.0
        self._held: dict[str, list[asyncio.Handle]] = {}
        self._dead: set[str] = set()
        self._remains: list[object] = []
        self._main = getcurrent()
        self._numbers = count()
        self.set_task_factory(self._make_task)  # type: ignore[arg-type]
        self.set_exception_handler(lambda *_: None)

    def time(self) -> float:
        """Return the time in s since the run began."""
        return self._now

    def create_future(self) -> asyncio.Future[Any]:
        """Return a future."""
        return _Future(next(self._numbers), self)

    def hold(self, process: str) -> None:
        """Stop a process, as SIGSTOP does."""
        self._held.setdefault(process, [])

    def release(self, process: str) -> None:
        """Let a process go on."""
        for handle in self._held.pop(process, []):
            self._queue.append(handle)

    def kill(self, process: str) -> None:
        """Let nothing of a process run any more."""
        self._dead.add(process)
        self._remains += self._held.pop(process, [])

    def pause(self, seconds: float) -> None:
        """Let others run for so long; only what :meth:`run_in_executor` runs may say so."""
        thread = getcurrent()
        self.call_later(seconds, thread.switch)
        self._main.switch()

    def run_in_executor(self, executor: object, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        """Run something as a thread would."""
        future: asyncio.Future[T] = self.create_future()

        def settle(set_outcome: Callable[[Any], None], outcome: object) -> None:
            if not future.done():
                set_outcome(outcome)

        def body() -> None:
            try:
                result = func(*args)
            except Exception as error:
                self.call_soon(settle, future.set_exception, error)
            else:
                self.call_soon(settle, future.set_result, result)

        thread = greenlet(body, parent=self._main)
        thread.gr_context = copy_context()  # it is of the process that began it, and dies with that
        self._remains.append(thread)
        self.call_soon(thread.switch)
        return future

    @property
    def _queue(self) -> deque[asyncio.Handle]:
        queue: deque[asyncio.Handle] = self._ready  # type: ignore[attr-defined]
        return queue

    def _run_once(self) -> None:
        """Run what is due; if nothing is, let time pass."""
        timers: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined]
        queue = self._queue
        if not queue:
            if not timers:
                raise DeadlockError
            self._now = max(self._now, timers[0].when())
        while timers and timers[0].when() <= self._now:
            queue.append(heapq.heappop(timers))
        if len(queue) == 1:  # as a rule
            handle = queue.popleft()
            self._run(_process_of(handle), handle)
            return
        ready: dict[str, deque[asyncio.Handle]] = {}
        for handle in queue:
            if not handle.cancelled():
                ready.setdefault(_process_of(handle), deque()).append(handle)
        queue.clear()
        while ready:
            process = self._random.choice(list(ready)) if len(ready) > 1 else next(iter(ready))
            handle = ready[process].popleft()
            if not ready[process]:
                del ready[process]
            self._run(process, handle)

    def _run(self, process: str, handle: asyncio.Handle) -> None:
        if process in self._dead:
            self._remains.append(handle)
        elif process in self._held:
            self._held[process].append(handle)
        elif not handle.cancelled():
            handle._run()

    def _make_task(self, _: object, coroutine: Coroutine[Any, Any, Any], **options: Any) -> _Task:
        return _Task(coroutine, next(self._numbers), loop=self, **options)

    def _write_to_self(self) -> None:
        """Wake nobody: there is no selector."""

    def _process_events(self, event_list: object) -> None:
        """Do nothing: there are no sockets."""

    def _asyncgen_finalizer_hook(self, agen: object) -> None:
        """Let generators of killed processes be."""
        self._remains.append(agen)


def _process_of(handle: asyncio.Handle) -> str:
    return handle._context.get(PROCESS) or ""  # type: ignore[attr-defined]
