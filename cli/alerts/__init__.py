"""`tallywire alerts`: what controls found, ranked; suppressed, judged, delivered."""
