"""The command line of an experiment: parse, claim the folder, build, fit."""
