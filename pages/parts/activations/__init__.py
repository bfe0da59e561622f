"""The experiments of 活性化関数."""
