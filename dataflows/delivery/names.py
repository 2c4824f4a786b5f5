"""The name of the process that delivers, in its lock, its log and its figures."""

DELIVER = "deliver"
