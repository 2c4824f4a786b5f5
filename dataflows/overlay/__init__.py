"""Files of usage and of a bill, read, priced and compared off line: no home, no store."""
