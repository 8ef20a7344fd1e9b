"""The HTTP service that takes events in: authenticated, bounded, acknowledged by the brokers."""
