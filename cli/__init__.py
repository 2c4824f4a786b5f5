"""The door: the `tallywire` command, one module per verb."""
