"""The MQTT subscriber: messages of a broker, acknowledged only when they are durable."""
