"""The shared training package of the lab: numbers in, numbers out. Knows nothing of any page."""
