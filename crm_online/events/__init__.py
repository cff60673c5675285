"""Event logs in, validated columns and rejects out, chunk by chunk, in bounded memory.

A log (:mod:`~crm_online.events.log`) is a file of rows (:mod:`~crm_online.events.raw.lines`); a preset
(:mod:`~crm_online.events.presets`) says which native field is in which column, or how another tool's JSON
object is a native event. What validates becomes
:class:`~crm_online.events.columns.EventColumns`; what does not becomes a
:class:`~crm_online.events.rejects.Reject`, and the flow goes on.
"""
