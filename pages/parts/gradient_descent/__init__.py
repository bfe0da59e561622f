"""The experiments of 勾配降下法."""
