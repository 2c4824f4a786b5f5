"""Speed and memory, measured: each stage beside its floor, as ratios within one run."""
