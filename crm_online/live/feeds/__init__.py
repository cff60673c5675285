"""The feed of changes: Redis is polled once for all (`hub`), the last changes are in memory (`ring`).

Each reader has a `subscription`; it resumes from the cursor that the reader sends, in one of four `modes`: from memory,
or from Redis (`changes_since`).
"""
