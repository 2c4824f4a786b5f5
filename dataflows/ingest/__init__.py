"""The ingest gateway: usage by HTTP, answered only when it is durable."""
