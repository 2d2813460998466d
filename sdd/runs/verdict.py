"""What a finished run has found, in a few words."""

from sdd.errors import UserError
from sdd.files import read_json
from sdd.runs.folder import RunFolder
from sdd.runs.settings import SPARSITIES


def verdict_words(folder: RunFolder) -> str:
    """Return what a finished run has found, or what is wrong with its summary.

    Args:
        folder: The run's.
    """
    try:
        found = read_json(folder.summary)
        settings = folder.settings()
        values = {} if settings is None else settings.values
        if values.get(SPARSITIES) is not None and settings is not None and settings.levels == 2:
            return f"test accuracy {found['final_test_acc']:.2%}"  # one sparsity is no curve
        if found["double_descent"] is None:
            return "double descent not decided"
        if not found["double_descent"]:
            return "no double descent"
        return f"double descent: depth {100 * found['depth']:.1f} points, gain {100 * found['gain']:+.1f} points"
    except UserError as error:
        return f"but {error}"
    except (ValueError, TypeError, KeyError):
        return f"but {folder.summary} is damaged"
