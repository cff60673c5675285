"""The changes as they come: read once, told to each reader from its own place."""
