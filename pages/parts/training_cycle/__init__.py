"""The experiments of 学習サイクル."""
