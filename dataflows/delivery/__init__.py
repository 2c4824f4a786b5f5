"""Delivery of findings: to programs by signed webhooks, to people by channels, to who is on call.

The outbox is the store: what is kept here is how far each target has been told, a file a target.
"""
