"""The experiments of データ拡張."""
