"""The RADIUS listener: accounting by UDP, answered only when it is durable."""
