"""What each lesson is made of: a folder a lesson, a file or two an experiment."""
