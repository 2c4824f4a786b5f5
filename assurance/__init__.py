"""The controls: pure folds over what happened, which name what is missing, doubled or wrong."""
