"""From finished curves: phases, statistics, plots, report."""
