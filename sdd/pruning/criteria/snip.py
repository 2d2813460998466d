"""SNIP: the weights at initialisation are removed whose removal would change the loss least, to first order."""

from sdd.pruning.criteria import Criterion
from sdd.pruning.criteria.gradient import gradient_scores

# |w · ∂L/∂w| of Lee, Ajanthan & Torr 2019; their division by its sum changes no ranking.
PART = Criterion(gradient_scores, at_initialisation=True)
