"""Which image a name means, as people write names: whole paths, or their ends."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import PurePosixPath


class ImageNames:
    """The files of images, found by a whole path or by its end.

    Args:
        files: Path of each image, in the order of the data set.
    """

    def __init__(self, files: Sequence[str]) -> None:
        self._paths = [_plain(file) for file in files]
        self._ends: dict[str, list[int]] = defaultdict(list)
        for place, path in enumerate(self._paths):
            for parts in (1, 2):
                self._ends[_end(path, parts)].append(place)

    def places(self, name: str) -> list[int]:
        """Return the places of all images that a name may mean.

        Args:
            name: A path or its end, such as `train/cat/1.png`, `cat/1.png` or `1.png`.
        """
        wanted = _plain(name)
        found = self._ends.get(_end(wanted, 2), [])
        return [place for place in found if self._paths[place] == wanted or self._paths[place].endswith(f"/{wanted}")]


def _end(path: str, parts: int) -> str:
    return "/".join(path.rsplit("/", parts)[-parts:])


def _plain(name: str) -> str:
    """Return a path with slashes, without `./` before it."""
    return str(PurePosixPath(name.replace("\\", "/")))
