"""The fictional company of the demo: its facts, its customers' questions, its ideal answers."""
