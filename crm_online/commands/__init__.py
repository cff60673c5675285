"""What an operator orders of a stored state: erase a customer, note an objection, undo a wrong leap in time.

A command runs beside no engine: it claims partitions, and commits a step of the source ``commands``, which is no log.
``erase`` and ``objection`` are for states that replays feed; Kafka workers take the same as events of their topic.
"""
