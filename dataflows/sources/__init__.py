"""Where batches come from: feeds of files, the usage log."""
