"""The experiments of 微分と連鎖律."""
