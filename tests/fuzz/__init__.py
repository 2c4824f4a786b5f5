"""Decoders against bytes that a coverage-guided fuzzer makes (`make fuzz`)."""
