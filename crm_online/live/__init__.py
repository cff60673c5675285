"""The state as it changes: look-ups in batches, snapshots made anew, the feed of changes to many readers."""
