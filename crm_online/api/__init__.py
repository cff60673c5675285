"""The HTTP API: look-ups, recommendations, the feed of changes, and the dashboard's page.

It knows the live view of the state (``crm_online.live``) and nothing of Kafka.
"""
