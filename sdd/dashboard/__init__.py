"""A saved view of a W&B project that tells the story of sparse double descent."""
