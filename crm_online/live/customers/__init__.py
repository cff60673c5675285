"""Customers as of now: those who are asked for, and those of a segment."""
