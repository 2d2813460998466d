"""What a run is: its folder and state, its settings, what must be trained first, trained levels of another run."""
