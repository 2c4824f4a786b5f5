"""`tallywire controls`: what the controls watch, and their process."""
