"""Arrays and tensors in the words of an error message."""

import numpy as np
from torch import Tensor


def described(value: object) -> str:
    """Return type, element type and shape, such as `a tensor of float32 of shape [3, 8, 8]`."""
    if isinstance(value, Tensor | np.ndarray):
        kind = "tensor" if isinstance(value, Tensor) else "NumPy array"
        return f"a {kind} of {str(value.dtype).removeprefix('torch.')} of shape {list(value.shape)}"
    return f"a {type(value).__name__}"
