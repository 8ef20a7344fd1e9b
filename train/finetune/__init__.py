"""How an adapter comes out of a frozen snapshot: encoding, packing, two engines, checkpoints."""
