"""Answers as tables for people: each module turns one JSON document into what rich prints."""
