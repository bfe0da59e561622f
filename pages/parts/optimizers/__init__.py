"""The experiments of オプティマイザ."""
