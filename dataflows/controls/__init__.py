"""Controls at work: they follow what was rated, in a process of their own."""
