from torchvision import datasets as torchvision_datasets

from sdd.data.datasets.cifar100 import load_cifar100, next_in_superclass
from tests.data.datasets.stored import CIFAR100_SUPERCLASSES


def test_superclass_noise_goes_round_each_superclass_in_order():
    assert next_in_superclass([1, 0, 1, 0, 2, 1]) == {0: 2, 2: 5, 5: 0, 1: 3, 3: 1, 4: 4}


def test_cifar100_mistakes_go_round_the_true_superclasses(cifar100):
    data = load_cifar100(cifar100)
    names = torchvision_datasets.CIFAR100(str(cifar100)).classes
    assert data.num_classes == len(names) == len(data.look_alikes) == 100
    expected = {
        members[place]: members[(place + 1) % 5] for members in CIFAR100_SUPERCLASSES.values() for place in range(5)
    }
    assert {names[a]: names[b] for a, b in data.look_alikes.items()} == expected
    assert data.train_images.shape == (300, 3, 32, 32)
