"""`tallywire canary`: known usage that must arrive once, in time, at its known price."""
