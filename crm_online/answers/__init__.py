"""What the service answers, as pydantic models: for the HTTP API, whose document is made from them, and its client."""
