"""What a reader sees: one script a lesson, and ``pages.ui`` with what they share."""
