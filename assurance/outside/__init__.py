"""Usage against what others say of it: partners, the network's own list, providers' bills."""
