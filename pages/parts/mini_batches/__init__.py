"""The experiments of ミニバッチ."""
