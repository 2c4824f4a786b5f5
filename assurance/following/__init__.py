"""Controls that follow what was rated: folds over its rows, lane by lane."""
