"""Kafka at the edges: topics, messages, keys, and what can go wrong with them."""
