"""The surviving weights of a layer: where they are, products with them alone, and whether these cost less."""

import warnings

import torch
from torch import Tensor

# Of the cost model: see `pays`.
_PER_WEIGHT = 5.5
_PER_VALUE = 50
_PER_PLACE = 8
_CALLS = 2_200_000


def pays(products: int, rows: int, shape: tuple[int, int], surviving: int, moved: int) -> bool:
    """Tell whether a layer's training step is faster by its surviving weights alone, as `auto` has it.

    A cost model that looks at no clock, so that the same run always takes the same way. Its unit is a multiplication of
    a dense product, of which one core makes about 40 in a nanosecond. A dense product of a batch costs rows · out · in,
    a sparse one _PER_WEIGHT · rows · surviving. Beside the products the dense step costs _PER_PLACE for each entry of
    the weight, whose gradient is masked and which the optimizer moves, and the sparse one _PER_VALUE for each
    activation that is transposed, and _CALLS. The constants are fitted to what was measured, with gradients by hand
    (`chain`): float32, one thread, x86-64 with AVX2.

    Args:
        products: How many a training step takes: 3, or 2 where no gradient of the inputs is wanted.
        rows: Of the inputs, such as the examples of a batch.
        shape: (out, in) of the layer.
        surviving: Weights.
        moved: Activations and their gradients, for each row, that do not lie in memory as sparse products take them.
    """
    places = shape[0] * shape[1]
    saved = products * rows * (places - _PER_WEIGHT * surviving) + _PER_PLACE * places
    return saved > _CALLS + _PER_VALUE * rows * moved


def may_pay(mask: Tensor) -> bool:
    """Tell whether sparse products of a layer of this mask, bool [out, in], cost less than dense ones."""
    return _PER_WEIGHT * int(mask.sum()) < mask.numel()


class Pattern:
    """Where the surviving weights of a layer are.

    Args:
        mask: True where a weight survives, bool [out, in].
        dtype: Of the weights.

    Attributes:
        shape: (out, in).
        count: How many survive.
        places: Where they are in the weight, flattened row by row: int64 [count].
    """

    def __init__(self, mask: Tensor, dtype: torch.dtype) -> None:
        self._mask, self._dtype = mask.cpu(), dtype
        self.shape = (mask.shape[0], mask.shape[1])
        rows, columns = self._mask.nonzero(as_tuple=True)
        by_column = columns.argsort(stable=True)
        self._by_column = by_column
        self.places = rows * self.shape[1] + columns
        self._places_by_column = self.places[by_column]
        self.count = len(self.places)
        # Filled before each use; rows and columns never change.
        self._weights = _compressed(rows, columns, self.shape, dtype)
        self._transposed = _compressed(columns[by_column], rows[by_column], (self.shape[1], self.shape[0]), dtype)
        self._zeros = _compressed(rows, columns, self.shape, dtype)

    def __reduce__(self) -> tuple[type["Pattern"], tuple[Tensor, torch.dtype]]:
        """Be copied and pickled as a mask, since PyTorch does neither with compressed rows."""
        return Pattern, (self._mask, self._dtype)

    def weights(self, weight: Tensor) -> Tensor:
        """Return weights [out, in] as compressed sparse rows; good until the next call."""
        torch.take(weight, self.places, out=self._weights.values())
        return self._weights

    def transposed(self, weight: Tensor) -> Tensor:
        """Return the transpose [in, out] of weights [out, in] as compressed sparse rows; good until the next call."""
        torch.take(weight, self._places_by_column, out=self._transposed.values())
        return self._transposed

    def transposed_of(self, values: Tensor) -> Tensor:
        """Return the same of weights that are given by their values at `places`, [count]."""
        torch.index_select(values, 0, self._by_column, out=self._transposed.values())
        return self._transposed

    def products(self, left: Tensor, right: Tensor) -> Tensor:
        """Return left [out, n] times right [n, in] at `places`, [count]."""
        values: Tensor = torch.sparse.sampled_addmm(self._zeros, left, right, beta=0).values()
        return values

    def spread(self, values: Tensor, weight: Tensor) -> Tensor:
        """Write values [count] to their places in a tensor [out, in], contiguous, and return it."""
        weight.view(-1).scatter_(0, self.places, values)  # which, unlike `put_`, PyTorch calls deterministic
        return weight

    def product(self, left: Tensor, right: Tensor) -> Tensor:
        """Return left [out, n] times right [n, in] at the surviving places, zero elsewhere: dense [out, in]."""
        return self.spread(self.products(left, right), left.new_zeros(self.shape))


def _compressed(rows: Tensor, columns: Tensor, shape: tuple[int, int], dtype: torch.dtype) -> Tensor:
    """Return zeros at places that are sorted by row, as compressed sparse rows [shape]."""
    starts = torch.zeros(shape[0] + 1, dtype=torch.int32)
    starts[1:] = torch.bincount(rows, minlength=shape[0]).cumsum(0)
    values = torch.zeros(len(rows), dtype=dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # once, that all of this is in beta state
        return torch.sparse_csr_tensor(starts, columns.int(), values, shape, check_invariants=False)
