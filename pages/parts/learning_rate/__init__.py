"""The experiments of 学習率."""
