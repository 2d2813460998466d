"""What notebooks and scripts call: a run as by command, its levels as plain networks."""
