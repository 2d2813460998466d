"""The figures of the paper (He et al. 2022), each one command: which runs it needs, at which scale, and its picture."""
