"""The engine: what a run of events does to one partition. No I/O, no clock, no randomness."""
