"""Every error that crm-online raises on purpose, as one tree.

::

    CrmOnlineError
    ├── InputError            what was given, a log or a choice, cannot be used as asked
    │   ├── NoSuchLog             no such file, or a folder
    │   ├── UnreadableLog         not text, not Parquet, a broken archive
    │   ├── LogMadeAnew           a file has the name of a log that is known, but begins otherwise
    │   ├── UnknownPreset         no preset of that name
    │   ├── MissingColumn         a column that the preset or --map needs is not there
    │   ├── NothingAccepted       no row of a log is an event
    │   └── TooFarAhead           events that were sent have times too far ahead of the clock
    ├── SettingsError         the settings cannot be used
    │   ├── UnknownSetting        no setting of that name
    │   ├── InvalidSetting        a value that does not fit, or two that contradict
    │   └── SettingsConflict      other settings than the ones that shaped the state
    ├── StoreError            Redis cannot do what was asked
    │   ├── StoreUnavailable      no answer, or the connection broke
    │   ├── StoreRefused          an answer, but no: password, read-only, full, eviction on
    │   ├── StateLocked           another process holds the state folder
    │   ├── StateTooNew           written by a newer version of crm-online
    │   ├── StateTooOld           written by an older version, in a format that is no longer read
    │   ├── StateCorrupt          bytes in the store that no version wrote
    │   └── StateMissing          nothing was replayed into this state yet
    ├── BrokerError           Kafka cannot do what was asked
    │   ├── BrokerUnavailable     no answer, or the connection broke
    │   ├── BrokerRefused         an answer, but no: user, password, certificate, rights, a record too large
    │   ├── TopicMisconfigured    a topic is there, but with settings under which events or changes are lost
    │   └── LogMoved              a topic no longer holds the next record
    ├── FenceError            this process may not write any more
    │   ├── OwnerLost             another process claimed the partition
    │   ├── PositionMoved         the stored position is not where the step began
    │   └── HoleInLog             the step does not follow on from the last one
    ├── Stalled               a partition has made no progress for too long
    ├── EventsRefused         this service takes no events, or none now
    ├── DeliveryFailed        the receiver of a webhook did not take a change
    ├── ServiceError          a service that a client asked has not answered as asked
    │   ├── ServiceUnavailable    no answer, or none now: ask again
    │   ├── ServiceRefused        it will not: no key, a key without the scope, or asked too often
    │   ├── NotFound              what was asked for is not there
    │   ├── RequestRejected       what was sent does not fit
    │   └── ServiceFault          it failed, or its answer cannot be read
    └── UnknownCustomer       a look-up of a customer who is not in the state

Bad data in a log is not an error: it is a reject, and the flow goes on.
"""

from __future__ import annotations

from collections.abc import Sequence


class CrmOnlineError(Exception):
    r"""Base of all errors raised on purpose; its text is one line for a person, whatever input it quotes.

    Examples
    --------
    >>> print(CrmOnlineError("no setting of the name \"a\x1b[31m\nb\""))
    no setting of the name "a\x1b[31m\nb"
    """

    def __str__(self) -> str:
        """Return its text, with line ends and other signs that nobody can see written out."""
        text = super().__str__()
        if text.isprintable():
            return text
        return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)


class InputError(CrmOnlineError):
    """What was given, a log or a choice, cannot be used as asked."""


class NoSuchLog(InputError):
    """The path names no file, or names a folder."""


class UnreadableLog(InputError):
    """The file is there, but it is not what its name or preset says."""


class LogMadeAnew(InputError):
    """A file has the name of a log that was replayed before, begins otherwise, and holds what may be in both."""


class UnknownPreset(InputError):
    """No preset has that name."""


class MissingColumn(InputError):
    """A column that the preset or ``--map`` needs is not in the log."""


class NothingAccepted(InputError):
    """No row of a log is an event, read as asked: the preset or the mapping is probably wrong."""


class TooFarAhead(InputError):
    """Events that were sent have times too far ahead of the clock.

    Parameters
    ----------
    indices
        Which of them, from 0.
    """

    def __init__(self, indices: Sequence[int]) -> None:
        super().__init__("time too far ahead of the clock")
        self.indices = list(indices)


class SettingsError(CrmOnlineError):
    """The settings cannot be used."""


class UnknownSetting(SettingsError):
    """No setting has that name."""


class InvalidSetting(SettingsError):
    """A value does not fit its setting, or two settings contradict each other."""


class SettingsConflict(SettingsError):
    """The state was shaped by other settings than those in force."""


class StoreError(CrmOnlineError):
    """Redis cannot do what was asked."""


class StoreUnavailable(StoreError):
    """Redis does not answer, or the connection broke."""


class StateBeingRead(StoreUnavailable):
    """The store answers, but what it was asked for has not all been read yet."""


class StoreRefused(StoreError):
    """Redis answers, but refuses: a password, read-only, full, or set to evict."""


class StateLocked(StoreError):
    """Another process holds the state folder."""


class StateTooNew(StoreError):
    """The state was written by a newer version of crm-online."""


class StateTooOld(StoreError):
    """The state was written by an older version of crm-online, in a format that is no longer read."""


class StateCorrupt(StoreError):
    """The store holds bytes that no version of crm-online wrote."""


class StateMissing(StoreError):
    """Nothing was replayed into this state yet."""


class BrokerError(CrmOnlineError):
    """Kafka cannot do what was asked."""


class BrokerUnavailable(BrokerError):
    """No broker answers, or the connection broke."""


class BrokerRefused(BrokerError):
    """A broker answers, but refuses: user, password, certificate, rights, a record that is too large."""


class TopicMisconfigured(BrokerError):
    """A topic is there, but with settings under which events or changes are lost."""


class LogMoved(BrokerError):
    """A topic no longer holds the next record: retention passed it, or the topic was made anew."""


class FenceError(CrmOnlineError):
    """The partition may not be written by this process any more."""


class OwnerLost(FenceError):
    """Another process has claimed the partition."""


class PositionMoved(FenceError):
    """The stored position is not where the step began: Redis went back, or a twin wrote."""


class HoleInLog(FenceError):
    """The step's first record does not follow on from the last one committed."""


class Stalled(CrmOnlineError):
    """A partition has made no progress for too long, though nothing is waited for."""


class EventsRefused(CrmOnlineError):
    """The service takes no events, or none now; the text says why."""


class DeliveryFailed(CrmOnlineError):
    """The receiver of a webhook did not take a change.

    Attributes
    ----------
    refused
        Whether it answered that it will not: the same change will hardly be taken later.
    retry_after
        Seconds after which it wishes to be asked again; 0: it did not say.
    """

    def __init__(self, message: str, *, refused: bool = False, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.refused, self.retry_after = refused, retry_after


class ServiceError(CrmOnlineError):
    """A service that a client asked has not answered as asked.

    Parameters
    ----------
    text
        One line for a person.
    status
        The HTTP status; None: there was no answer.
    kind
        Type of the problem that was answered, such as ``/problems/no-state``; ``about:blank``: the status says all.
    faults
        Of each thing that is wrong with what was sent, where it is and why.
    retry_after
        Seconds after which the service wants to be asked again; None: it does not say.
    """

    def __init__(
        self,
        text: str,
        *,
        status: int | None = None,
        kind: str = "about:blank",
        faults: Sequence[tuple[str, str]] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(text)
        self.status, self.kind, self.faults, self.retry_after = status, kind, tuple(faults), retry_after


class ServiceUnavailable(ServiceError):
    """The service does not answer, or cannot now; it may be asked again."""


class ServiceRefused(ServiceError):
    """The service will not answer: no key, a key without the scope, or it was asked too often."""


class NotFound(ServiceError):
    """What the service was asked for is not there."""


class RequestRejected(ServiceError):
    """What was sent to the service does not fit; ``faults`` says where."""


class ServiceFault(ServiceError):
    """The service failed, or what it answered cannot be read."""


class AuditFailed(CrmOnlineError):
    """The audit log cannot be written, so nothing is answered that it would have to have."""


class UnknownCustomer(CrmOnlineError):
    """The customer looked up is not in the state."""


class CustomerObjects(UnknownCustomer):
    """The customer looked up objects to being profiled: the state has nothing but that."""
