"""A saved view of a W&B project that shows sparse double descent."""
