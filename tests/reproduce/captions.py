"""The captions of the paper's figures (He et al. 2022), typed from it: what was trained, in the words of its text.

Each entry: data and network, noise type and rate in percent, criterion, retraining. `sparse` is iterative magnitude
pruning with rewinding, unless a criterion is named.
"""

LENET, R18_10, R18_100 = "MNIST LeNet-300-100", "CIFAR-10 ResNet-18", "CIFAR-100 ResNet-18"
VGG_10, VGG_100, TINY = "CIFAR-10 VGG-16", "CIFAR-100 VGG-16", "Tiny ImageNet ResNet-101"


def _criteria(where, rate, noise="symmetric"):
    return [(where, noise, rate, criterion, "sparse") for criterion in ("magnitude", "gradient", "random")]


def _modes(where, rate, *modes):
    return [(where, "symmetric", rate, "magnitude", mode) for mode in modes]


def _rates(where, *rates, mode="sparse"):
    return [(where, "symmetric", rate, "magnitude", mode) for rate in rates]


def _grown(where, rate, *learning_rates):
    return _modes(where, rate, "sparse", *(f"re-dense at {lr}" for lr in learning_rates))


def _tickets(where):
    return _rates(where, 20, 40, 80) + _rates(where, 20, 40, 80, mode="re-initialised")


THREE = ("finetune", "lr_rewind", "scratch")

RUNS = {
    1: _rates(LENET, 20) + _rates(R18_10, 20) + _rates(R18_100, 20),
    2: _criteria(R18_100, 40),
    3: _modes(R18_100, 40, *THREE),
    4: _rates(R18_10, 20, 40, 80),
    5: _rates(LENET, 20),
    6: _grown(R18_100, 40, 0.001),
    7: _grown(R18_100, 40, 0.001),
    8: _grown(R18_100, 40, 0.001),
    9: _rates(LENET, 20, 40, 80),
    10: _tickets(R18_10) + _tickets(R18_100),
    11: _criteria(R18_100, 40),
    12: _rates(R18_100, 20, 40, 80),
    13: _criteria(LENET, 20),
    14: _criteria(LENET, 40),
    15: _modes(LENET, 20, *THREE),
    16: _criteria(R18_10, 20),
    17: _criteria(R18_10, 40),
    18: _criteria(R18_10, 80),
    19: _modes(R18_10, 20, *THREE),
    20: _criteria(VGG_10, 20),
    21: _criteria(R18_10, 20, "asymmetric"),
    22: _criteria(R18_10, 20, "pairflip"),
    23: _criteria(R18_100, 20),
    24: _criteria(R18_100, 40),
    25: _criteria(R18_100, 80),
    26: _modes(R18_100, 40, *THREE),
    27: _criteria(VGG_100, 40),
    28: _criteria(R18_100, 40, "asymmetric"),
    29: _criteria(R18_100, 40, "pairflip"),
    30: _rates(TINY, 20),
    31: _rates(R18_10, 0) + _rates(R18_100, 0),
    32: _rates(LENET, 20) + _rates(R18_10, 20) + _rates(R18_100, 20),
    33: _tickets(R18_10),
    34: _tickets(R18_100),
    35: _rates(LENET, 20, 40),
    36: _rates(R18_10, 20, 40, 80) + _rates(R18_100, 20, 40, 80),
    37: _grown(LENET, 20, 0.1),
    38: _grown(R18_10, 20, 0.001, 0.0001),
    39: _grown(R18_100, 40, 0.001, 0.0001),
    40: _grown(LENET, 20, 0.1),
    41: _grown(R18_10, 20, 0.001),
    42: _grown(R18_100, 40, 0.001),
    43: _grown(R18_10, 20, 0.001),
    44: _rates(LENET, 20, 40, 80),
    45: _modes(LENET, 20, "lr_rewind", "scratch"),
    46: _rates(R18_10, 20, 40, 80),
    47: _modes(R18_10, 20, *THREE),
    48: _rates(R18_100, 20, 40, 80),
    49: _modes(R18_100, 40, *THREE),
}
"""By figure."""

RECIPES = {
    LENET: {
        "epochs": 200,
        "batch": 128,
        "optimizer": ("SGD", 0.1, 0.0, 0.0),
        "milestones": None,
        "rewind": 0,
        "seeds": 5,
        "left whole": ["fc.weight"],
        "finetune": 0.1,
        "augment": "none",
        "data": "mnist",
        "sparsities": None,
    },
    R18_10: {
        "epochs": 160,
        "batch": 128,
        "optimizer": ("SGD", 0.1, 0.9, 1e-4),
        "milestones": [80, 120],
        "rewind": 1000,
        "seeds": 3,
        "left whole": [],
        "finetune": 0.001,
        "augment": "crop_flip",
        "data": "cifar10",
        "sparsities": None,
    },
    R18_100: {
        "epochs": 160,
        "batch": 128,
        "optimizer": ("SGD", 0.1, 0.9, 1e-4),
        "milestones": [80, 120],
        "rewind": 1000,
        "seeds": 3,
        "left whole": [],
        "finetune": 0.001,
        "augment": "crop_flip",
        "data": "cifar100",
        "sparsities": None,
    },
    VGG_10: {
        "epochs": 160,
        "batch": 128,
        "optimizer": ("SGD", 0.1, 0.9, 1e-4),
        "milestones": [80, 120],
        "rewind": 2000,
        "seeds": 3,
        "left whole": ["fc.weight"],
        "finetune": 0.001,
        "augment": "crop_flip",
        "data": "cifar10",
        "sparsities": None,
    },
    VGG_100: {
        "epochs": 160,
        "batch": 128,
        "optimizer": ("SGD", 0.1, 0.9, 1e-4),
        "milestones": [80, 120],
        "rewind": 2000,
        "seeds": 3,
        "left whole": ["fc.weight"],
        "finetune": 0.001,
        "augment": "crop_flip",
        "data": "cifar100",
        "sparsities": None,
    },
    TINY: {
        "epochs": 200,
        "batch": 512,
        "optimizer": ("SGD", 0.2, 0.9, 1e-4),
        "milestones": [100, 150],
        "rewind": 1000,
        "seeds": 3,
        "left whole": [],
        "finetune": 0.001,
        "augment": "resized_crop_flip",
        "data": "image_folder",
        "sparsities": [1 - 0.8**k for k in range(1, 17)],
    },
}
"""Of its appendix B, by data and network: optimizer as name, rate, momentum, weight decay; milestones in epochs."""

NETWORKS = {
    LENET: ("sdd.models.MLP", {"in_features": 784, "widths": [300, 100], "num_classes": 10}),
    R18_10: ("sdd.models.ResNet", {"depth": 18, "width": 64, "num_classes": 10}),
    R18_100: ("sdd.models.ResNet", {"depth": 18, "width": 64, "num_classes": 100}),
    VGG_10: ("sdd.models.VGG", {"depth": 16, "width": 64, "num_classes": 10}),
    VGG_100: ("sdd.models.VGG", {"depth": 16, "width": 64, "num_classes": 100}),
    TINY: ("sdd.models.ResNet", {"depth": 101, "width": 64, "num_classes": 200}),
}
"""Each of them as ours."""

PANELS = {
    1: 3, 2: 3, 3: 3, 4: 3, 5: 1, 6: 4, 7: 2, 8: 1, 9: 3, 10: 6, 11: 3, 12: 3, 13: 3, 14: 3, 15: 3, 16: 3, 17: 3,
    18: 3, 19: 3, 20: 3, 21: 3, 22: 3, 23: 3, 24: 3, 25: 3, 26: 3, 27: 3, 28: 3, 29: 3, 30: 1, 31: 2, 32: 3, 33: 3,
    34: 3, 35: 8, 36: 24, 37: 4, 38: 8, 39: 8, 40: 8, 41: 8, 42: 8, 43: 1, 44: 3, 45: 2, 46: 3, 47: 3, 48: 3, 49: 3,
}  # fmt: skip
"""How many panels each has: four levels for epochs and paths, the latter with one panel of accuracy and one of loss."""
