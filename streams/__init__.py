"""The Kafka side: an event's way from topic to topic, file by file.

::

    crm.events ──► consumer    fetches; Kafka's group says which partitions are ours
                     │ resume      at which offset the log is read on, and whether it is the log that it was
                     │ fetching    the next offsets; records that were lost are found by a second read
                     │ supervisor  idle partitions, lag, and that none stalls
                     ▼
                   app         the agent ``steps`` gets the partitions with something to do from its channel
                     ▼
                   assigned    one of them (manager claims and releases them): what waits, its steps, its publisher
                     ▼
                   partition   its state: records decoded (records), steps, ticks
                     │           └─► crm_online.pipeline: read, compute, commit; Redis has position and state as one
                     ▼
                   publisher   what the commit put into the outbox, in transactions, each change once
                     ▼ published  a change as a record, and the last one on the topics: where to go on
    crm.segment-changes · crm.segments · crm.rules · crm.predictions · crm.drift · crm.rejects

    crm.commands ──► commands  tick, refit, erase, objection: put onto crm.events, with an offset among the events

Around it: ``topics`` (every topic in one place, and to which partition a key goes), ``admin`` (topics created and
checked), ``connection`` and ``errors`` (TLS, SASL, and what goes wrong with them), ``context`` (what the services
share: the turn to step, and how they wait for store and broker), ``metrics``, ``health``, ``worker`` (start and stop),
``publish`` with ``batches`` (a log onto the events topic), ``sink`` (events of the HTTP API onto it).

The work is in :mod:`crm_online`, which knows nothing of this package.
"""
