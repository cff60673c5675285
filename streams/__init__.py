"""The Kafka side: an event's way from topic to topic, file by file.

::

    crm.events ──► intake      fetches batches; Kafka's group says which partitions are ours
                     │ places    where the log is read on, and whether it is the log that it was (marks)
                     │ reading   whether what is fetched follows on
                     │ witness   offsets without a record: told from records that were lost on the way
                     │ watch     quiet partitions, lag, and that none stands still
                     ▼
                   app         the mining agent takes batch by batch off its channel
                     ▼
                   holdings    the partitions that this worker holds: claimed, stepped through, given up
                     ▼
                   partition   one of them: records decoded (records), the engine's one call, ticks
                     │           └─► crm_online.flow: fetch, compute, commit; Redis has position and state as one
                     ▼
                   publisher   what the commit put into the outbox, in transactions, each change once
                     │ told      what consumers were told before: where to go on, and whether the state went back
                     ▼ output    a change as a record
    crm.segment-changes · crm.segments · crm.rules · crm.rejects

    crm.commands ──► commands  tick, refit, erase: put onto crm.events, where they have a place among the events

Around it: ``topics`` (every topic in one place), ``admin`` (made and looked at), ``connection`` and ``refusals`` (TLS,
SASL, and what goes wrong with them), ``retrying`` (waiting for what is away), ``metrics``, ``health``, ``logs``,
``stretch`` (part of a topic read for itself), ``partitioner`` (where a key goes), ``worker`` (start and stop),
``publish`` with ``batches`` (a log onto the events topic), ``driver`` (all of it without a broker, for tests).

The work is in :mod:`crm_online`, which knows nothing of this package.
"""
