"""How long our training takes beside the loop of a textbook."""
