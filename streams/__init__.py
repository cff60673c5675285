"""The Kafka side of crm-online: Faust app, topics, intake, agents, publisher.

It is built on the engine of :mod:`crm_online` and arrives with the issue on Kafka; until then this
docstring is all there is.
"""
