"""`tallywire controls`: what the controls watch, whether they fire, and their process."""
