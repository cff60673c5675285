"""A worker on a real Kafka, beside other ways from a topic to Redis, on the same log and machine in one run.

All ways read the same topic. Their processes are started one after the other, by :mod:`benchmarks.kafka.site`; the
broker and a Redis that puts each write on disk before it answers are those of the tests.
"""
