"""The experiments of 損失関数."""
