"""The experiments of 正則化."""
