"""Puts `configs/` and `sweeps/`, which lie beside the package, into it when it is built; the rest: pyproject.toml."""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

SHIPPED = ("configs/*.yaml", "sweeps/*.yaml", "sweeps/slurm.sh")


class BuildWithFiles(build_py):
    """Copies them to `sdd/share/`; an editable installation reads them where they are."""

    def run(self) -> None:
        """Build."""
        super().run()
        if not self.editable_mode:
            for source, target in self._shipped().items():
                self.mkpath(str(target.parent))
                self.copy_file(str(source), str(target))

    def get_outputs(self, include_bytecode: int = 1) -> list[str]:
        """Return all files that are built."""
        return [*super().get_outputs(include_bytecode), *map(str, self._shipped().values())]

    def _shipped(self) -> dict[Path, Path]:
        sources = sorted(path for pattern in SHIPPED for path in Path().glob(pattern))
        return {source: Path(self.build_lib, "sdd", "share", source) for source in sources}


setup(cmdclass={"build_py": BuildWithFiles})
