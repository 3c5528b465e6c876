"""Arrays that stay on disk until they are read."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from harness.core.errors import StoreError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.generic]


class StoredArrays(Mapping[str, "Array"]):
    """The `.npy` files of a folder, read when they are used."""

    def __init__(self, folder: Path) -> None:
        """Look at a folder, which may not exist."""
        self.folder = folder

    def __getitem__(self, name: str) -> "Array":
        """Read one array."""
        import numpy as np

        path = self.folder / f"{name}.npy"
        if not self.folder.is_dir():
            raise StoreError(f"the record {self.folder} was deleted while it was read")
        if not path.is_file():
            raise KeyError(name)
        array: Array = np.load(path, allow_pickle=False)
        return array

    def __iter__(self) -> Iterator[str]:
        """The arrays' names."""
        return iter(sorted(path.stem for path in self.folder.glob("*.npy")))

    def __len__(self) -> int:
        """How many there are."""
        return len(list(self.folder.glob("*.npy")))
