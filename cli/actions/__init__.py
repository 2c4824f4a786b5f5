"""`tallywire actions`: what is done about a case, proposed by one and approved by another."""
