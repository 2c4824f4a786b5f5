"""Kafka: its clients, as this product wants them, and what goes over them."""
