"""Webhooks: each change that matches is posted to a receiver of yours, at least once, and in order for each customer.

One process of a state sends at a time (`sender`, by a lease). Each webhook has a queue (`queue`) that reads on from its
cursor, and a receiver (`receiver`) that signs and posts; cursors and dead letters are in the state (`stored`).
"""
