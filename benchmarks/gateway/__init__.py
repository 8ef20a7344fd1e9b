"""What the gateway's benchmarks share: a broker, a gateway and a client, each its own process."""
