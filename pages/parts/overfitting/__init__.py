"""The experiments of 過学習と未学習."""
