"""Labels out of a text: in the order of the examples, or by index or file, as numbers or names of classes."""

from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from functools import cached_property

import numpy as np
import numpy.typing as npt

from sdd.data.image_names import ImageNames
from sdd.data.label_table import FILE_COLUMNS, INDEX_COLUMNS, LABEL_COLUMN, Table, read_table
from sdd.data.noise import LabelFile, Labels
from sdd.errors import UserError
from sdd.messages import did_you_mean

FORM = (
    "a label file is text with one label a line, in the order of `python -m sdd data --list`, or has a header with a "
    "column label and, for lines in any order, a column index (from 0) or file"
)
"""What may be in one, in a sentence."""

TRUE_COLUMNS = ("true_label", "clean_label", "true_class", "clean_class")
_SHOWN = 5


class LabelText:
    """A label file that is text.

    Args:
        file: Which it is, and what is known of the examples.
        num_classes: C.

    Raises:
        UserError: It cannot be read.
    """

    def __init__(self, file: LabelFile, num_classes: int) -> None:
        self.file, self.num_classes = file, num_classes
        self.number_of = {name: number for number, name in enumerate(file.classes or [])}
        self.images = ImageNames(file.files or [])
        self.table: Table = read_table(file.path, self._is_value)

    @property
    def in_order(self) -> bool:
        """Whether it has a label for each example in stored order, and neither index nor file."""
        return self._columns[0] is None

    def labels(self) -> npt.NDArray[np.generic]:
        """Return the labels of the stored training examples.

        Returns:
            By index or file: int64 of shape [size], in [0, C), and -1 for an example that is not wanted and has none.
            Otherwise as many numbers as there are lines, as they are written, to be checked as those of other files.

        Raises:
            UserError: The form is not understood, or a line does not fit the examples.
        """
        key, column = self._columns
        numbers = self._numbers(column)
        if key is None:
            return numbers
        self._check_range(numbers)
        return self._by_place(key, numbers.astype(np.int64))

    def true_labels(self) -> tuple[str, npt.NDArray[np.generic]] | None:
        """Return what the text itself says the true labels are, and the column's name; None where it does not say.

        Returns:
            The labels as those of `labels`.

        Raises:
            UserError: They are no labels.
        """
        header = self.table.header or []
        name = next((name for name in TRUE_COLUMNS if name in header), None)
        key, column = self._columns
        if name is None or header[column] == name:
            return None
        numbers = self._numbers(header.index(name))
        if key is None:
            return name, numbers
        self._check_range(numbers)
        return name, self._by_place(key, numbers.astype(np.int64))

    def _is_value(self, cell: str) -> bool:
        return _whole(cell) is not None or cell in self.number_of or bool(self.images.places(cell))

    @cached_property
    def _columns(self) -> tuple[int | None, int]:
        """Return which column tells the example, None where the order does, and which has the label."""
        header, width = self.table.header, len(self.table.rows[0])
        if header is None:
            return self._columns_without_names(width)
        twice = [name for name, count in Counter(header).items() if count > 1]
        if twice:
            raise UserError(f"{self.file.path} has several columns {twice[0]!r}: give each a name of its own")
        label = self._label_column(header)
        named = [name for name in (*FILE_COLUMNS, *INDEX_COLUMNS) if name in header and header.index(name) != label]
        by_file = [name for name in named if name in FILE_COLUMNS]
        if by_file and self.file.files is None:
            named = [name for name in named if name not in by_file]
            if not named:
                raise UserError(
                    f"{self.file.path} has labels by {by_file[0]}, but the images of this data set are no files of "
                    "their own: give an index column instead, from 0 in the order of `python -m sdd data --list`"
                )
        return (header.index(named[0]) if named else self._key_by_another_name(header, label)), label

    def _key_by_another_name(self, header: Sequence[str], label: int) -> int | None:
        """Return the column that holds files of images, whatever it is called; None where all columns hold labels."""
        others = [name for name in header if not LABEL_COLUMN.fullmatch(name) and header.index(name) != label]
        for name in others:
            if all(map(self.images.places, self._cells(header.index(name)))):
                return header.index(name)
        if others:
            raise UserError(
                f"whether column {others[0]!r} of {self.file.path} tells the examples is open: call it file, or index "
                "(from 0, in the order of `python -m sdd data --list`), or leave it out where lines are in that order"
            )
        return None

    def _columns_without_names(self, width: int) -> tuple[int | None, int]:
        if width == 1:
            if self.file.key is not None:
                raise UserError(
                    f"{self.file.path} holds one list of labels, without entries: leave --data.noise_key unset "
                    f"({self.file.key})"
                )
            return None, 0
        are_files = [place for place in range(width) if any(map(self.images.places, self._cells(place)))]
        if width != 2 or len(are_files) != 1:
            first = ", ".join(self.table.rows[0])
            raise UserError(f"{self.file.path} has {width} columns without a header ({first}); {FORM}")
        return are_files[0], 1 - are_files[0]

    def _label_column(self, header: Sequence[str]) -> int:
        if self.file.key is not None:
            if self.file.key.lower() not in header:
                there_are = f"; there are: {', '.join(header)}"
                raise UserError(
                    f"no column {self.file.key!r} in {self.file.path}{did_you_mean(self.file.key, header, there_are)}"
                )
            return header.index(self.file.key.lower())
        found = [name for name in header if LABEL_COLUMN.fullmatch(name) and name not in TRUE_COLUMNS]
        others = [name for name in header if name not in (*FILE_COLUMNS, *INDEX_COLUMNS, *TRUE_COLUMNS)]
        if not found and len(others) == 1:
            found = others
        if len(found) > 1 and set(found) == {"label", "class"}:
            self._check_agreement(header)
            found = ["label"]
        if len(found) == 1:
            return header.index(found[0])
        several = f"set --data.noise_key to one of: {', '.join(found)}" if found else FORM
        raise UserError(
            f"the columns of {self.file.path} are {', '.join(header)}, and which is the label is open; {several}"
        )

    def _check_agreement(self, header: Sequence[str]) -> None:
        """Find out whether the columns `label` and `class`, as `sdd data --list` has both, say the same."""
        label, named = (self._numbers(header.index(name)) for name in ("label", "class"))
        differ = np.flatnonzero(label != named)
        if len(differ):
            row = int(differ[0])
            cells = self.table.rows[row]
            raise UserError(
                f"{self._where(row)}: label {cells[header.index('label')]} and class "
                f"{cells[header.index('class')]} differ (so in {len(differ)} rows): set --data.noise_key to the column "
                "that counts, label or class"
            )

    def _cells(self, column: int) -> list[str]:
        return self.table.column(column)

    def _numbers(self, column: int) -> npt.NDArray[np.generic]:
        """Return the labels of a column as numbers of classes, int64, or as floats where one is no whole number."""
        cells = self._cells(column)
        name = "" if self.table.header is None else self.table.header[column]
        by_name = name.endswith("class")
        if not by_name and all(_float(cell) is not None for cell in cells):
            self._check_meaning(cells, name)
            whole = [_whole(cell) for cell in cells]
            return np.array(cells, dtype=float) if None in whole else np.array(whole, dtype=np.int64)
        strange = [row for row, cell in enumerate(cells) if cell not in self.number_of]
        if strange:
            row = next((row for row in strange if _float(cells[row]) is None), strange[0])
            raise UserError(f"{self._where(row)}: {self._no_label(cells[row], by_name)}")
        return np.array([self.number_of[cell] for cell in cells], dtype=np.int64)

    def _check_meaning(self, cells: Sequence[str], name: str) -> None:
        """Refuse numbers that may be names of classes as well, of other classes than their own.

        A column `label` beside a column `class`, as `sdd data --list` has both, holds numbers: that one has the names.
        """
        if name.endswith("number") or f"{name.removesuffix('label')}class" in (self.table.header or ()):
            return
        for cell in dict.fromkeys(cells):
            number = self.number_of.get(cell)
            if number is not None and number != _whole(cell):
                raise UserError(
                    f"{cell} in {self.file.path} is the name of class {number}, and may be meant as a number: call the "
                    "column class where it holds names, or number where it holds numbers"
                )

    def _no_label(self, cell: str, by_name: bool) -> str:
        names = list(self.number_of)
        if not names:
            return f"{cell!r} is no label; allowed: whole numbers from 0 to {self.num_classes - 1}"
        some = f"{', '.join(names[:_SHOWN])}{', …' if len(names) > _SHOWN else ''}"
        numbers = "" if by_name else f", or their numbers from 0 to {self.num_classes - 1}, throughout"
        near = get_close_matches(cell, names, 1)
        meant = f"; did you mean {near[0]}?" if near else ""
        return f"{cell!r} is no class; there are: {some}{numbers}{meant}"

    def _check_range(self, numbers: npt.NDArray[np.generic]) -> None:
        for row, number in enumerate(numbers.tolist()):
            if not float(number).is_integer() or not 0 <= number < self.num_classes:
                raise UserError(
                    f"{self._where(row)}: label {number} is no class; allowed: whole numbers from 0 "
                    f"to {self.num_classes - 1}"
                )

    def _by_place(self, key: int, numbers: Labels) -> Labels:
        """Return labels in the order of the stored examples, out of rows that tell theirs."""
        found = np.full(self.file.size, -1, dtype=np.int64)
        rows: dict[int, int] = {}
        for row, place in self._places(key):
            if place in rows:
                raise UserError(
                    f"{self._where(row)}: {self.table.rows[row][key]} has a label already, in line "
                    f"{self.table.lines[rows[place]]}: name each example once"
                )
            rows[place], found[place] = row, numbers[row]
        missing = [int(place) for place in self.file.places if found[place] < 0]
        if missing:
            example = f"index {missing[0]}" if self.file.files is None else self.file.files[missing[0]]
            raise UserError(
                f"{self.file.path} has no label for {len(missing):,} of {len(self.file.places):,} training examples, "
                f"such as {example}: add them"
            )
        return found

    def _places(self, key: int) -> Iterator[tuple[int, int]]:
        """Yield each row that is of the training set, with the place of its example."""
        header = self.table.header
        by_index = header is not None and header[key] in INDEX_COLUMNS
        part = header.index("part") if header is not None and "part" in header else None
        for row, cells in enumerate(self.table.rows):
            if part is not None and cells[part] == "test":
                continue
            yield row, self._index(row, cells[key]) if by_index else self._file(row, cells[key])

    def _where(self, row: int) -> str:
        return f"{self.file.path}:{self.table.lines[row]}"

    def _index(self, row: int, cell: str) -> int:
        number = _whole(cell)
        if number is None or not 0 <= number < self.file.size:
            raise UserError(
                f"{self._where(row)}: index {cell} is none of the training set; allowed: 0 to {self.file.size - 1}"
            )
        return number

    def _file(self, row: int, cell: str) -> int:
        places = self.images.places(cell)
        if len(places) == 1:
            return places[0]
        where = self._where(row)
        assert self.file.files is not None
        if places:
            both = " and ".join(self.file.files[place] for place in places[:2])
            raise UserError(f"{where}: {cell} may be {both}: write it with its folders")
        raise UserError(
            f"{where}: there is no training image {cell!r}; names are those of `python -m sdd data --list`, such as "
            f"{self.file.files[0]}, or their ends"
        )


def _whole(cell: str) -> int | None:
    number = _float(cell)
    return int(number) if number is not None and number.is_integer() else None


def _float(cell: str) -> float | None:
    try:
        return None if "_" in cell else float(cell)  # in Python 1_0 is a number
    except ValueError:
        return None
