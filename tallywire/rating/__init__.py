"""Rating: two raters that share no arithmetic, and the dispatch between them."""
