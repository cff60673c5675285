"""Traits of segments, compared with the population: shares, their significance, and phrases."""
