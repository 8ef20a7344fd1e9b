"""Turns raw events into turns, conversations and examples: Kafka in, Delta out, on Spark."""
