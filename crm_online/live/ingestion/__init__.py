"""Events that are sent to the service, to the engine or to Kafka."""
