"""What is lost where a run is stopped at its file operations or by a power cut: `python -m tests.durability`."""
