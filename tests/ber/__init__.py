"""Records in BER that tests are made of."""
