"""The dashboard: pages for people, made of what the HTTP API answers."""
