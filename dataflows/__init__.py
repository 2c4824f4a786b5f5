"""The streams: wiring, lanes, the usage log; the one room with Bytewax, Kafka and clocks."""
