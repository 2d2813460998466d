"""Values and files that nobody should give: any command line trains, or ends with one line before the training."""
