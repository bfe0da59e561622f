"""The playground of 活性化関数."""
