"""Which settings a fine-tune should have: trials on Ray Tune, kept by base and amount of data."""
