"""How likely it is that a conversation was resolved, and the weights behind that."""
