"""Real data for the tests that want it, read from the folder that SDD_DATA names."""

import os
import signal
import tarfile
from collections.abc import Iterator
from pathlib import Path

# One thread an operation, here and in the processes that tests start: as many tests run as there are cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import settings

# How long an example takes depends on what else the machine does, and is no property of the code.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# A shell without a terminal has what it starts in the background ignore Ctrl-C, nohup has it ignore hang-ups, and every
# process inherits that, unless there is a handler here.
for _number in (signal.SIGINT, signal.SIGHUP):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, lambda *_: None)

IMAGES_PER_CLASS = 40
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(autouse=True)
def _signals_are_handled_as_before() -> Iterator[None]:
    """Give each test the handlers that the first one had: a command that is done, run here, ignores Ctrl-C."""
    before = [signal.getsignal(number) for number in SIGNALS]
    yield
    for number, handler in zip(SIGNALS, before, strict=True):
        signal.signal(number, handler)


def data_folder() -> Path:
    """Return the folder that SDD_DATA names, or skip the test."""
    named = os.environ.get("SDD_DATA")
    if not named:
        pytest.skip("SDD_DATA is not set to a folder with MNIST/ and cifar10-jpeg.tar.gz")
    if not Path(named).is_dir():
        pytest.skip(f"SDD_DATA names {named}, which is no folder")
    return Path(named)


@pytest.fixture
def sdd_data() -> Path:
    """Folder with MNIST/raw and the archive cifar10-jpeg.tar.gz; read only."""
    return data_folder()


def extract_cifar(root: Path, per_class: int) -> Path:
    """Unpack CIFAR-10 as JPEG files in {train,test}/CLASS/NNNN.jpg, the first `per_class` of each class and part."""
    with tarfile.open(data_folder() / "cifar10-jpeg.tar.gz", "r|gz") as archive:
        for member in archive:
            part, _, rest = member.name.partition("/")
            class_name, _, name = rest.partition("/")
            if name and int(Path(name).stem) < per_class:
                content = archive.extractfile(member)
                assert content is not None
                target = root / part / class_name / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content.read())
    return root


@pytest.fixture(scope="session")
def cifar_jpeg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A little of CIFAR-10 as JPEG files, `IMAGES_PER_CLASS` of each class and part."""
    return extract_cifar(tmp_path_factory.mktemp("cifar-jpeg"), IMAGES_PER_CLASS)
