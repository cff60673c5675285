"""Event logs in, validated columns and rejects out, chunk by chunk, in bounded memory.

::

    file ─► raw ─► RawRows ─► row_filter, conversion ─► presets ─┬─► table: all lines at once ──┬─► columns
              unpacked, split    which rows, which formats       └─► objects: one event each ───┤
                                                                       models: the reasons ─────┴─► rejects

:mod:`~crm_online.events.formats` chooses the way through for a file, and :mod:`~crm_online.events.reader` goes it;
:mod:`~crm_online.events.log` yields a log in chunks, whose times :mod:`~crm_online.events.ahead` judges, and
:mod:`~crm_online.events.slices` cuts them by event time. A preset says which native field is in which column, or how
another tool's object is a native event. What does not validate becomes a
:class:`~crm_online.events.rejects.RejectedRow`, and the flow goes on. :mod:`~crm_online.events.guess` looks at the
:mod:`~crm_online.events.first_rows` of a log that comes without options.
"""
