"""A frozen snapshot, or a file of chats, as rows that a model may learn from. Loads no engine."""
