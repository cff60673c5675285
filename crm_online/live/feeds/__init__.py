"""The feed of changes: Redis is read once (`hub`), the last changes are shared (`ring`), each reader has a cursor.

A feed resumes in `subscription`, from the cursor that its reader sends: from memory, or from Redis (`changes_since`).
"""
