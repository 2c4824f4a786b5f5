"""`tallywire rerate`: charges corrected, first shown, then put before their lanes."""
