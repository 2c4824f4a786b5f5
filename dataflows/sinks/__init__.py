"""Where batches go: the usage log, the store."""
