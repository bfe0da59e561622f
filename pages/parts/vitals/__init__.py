"""The experiments of RNNとバイタルサイン."""
