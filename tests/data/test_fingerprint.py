import hashlib
import struct

import pytest
import torch

from sdd.data.fingerprint import fingerprint, transition_counts


def test_transitions_are_counted_example_by_example():
    generator = torch.Generator().manual_seed(0)
    true_labels, labels = torch.randint(0, 4, (2, 300), generator=generator)
    expected = [[0] * 5 for _ in range(5)]  # nobody is of class 4
    for true, label in zip(true_labels.tolist(), labels.tolist(), strict=True):
        expected[true][label] += 1
    assert transition_counts(true_labels, labels, 5).tolist() == expected


IMAGES = torch.arange(48, dtype=torch.uint8).view(3, 1, 4, 4)


@pytest.mark.parametrize(
    "other",
    [
        IMAGES.index_fill(0, torch.tensor([2]), 0),
        IMAGES[[0, 2, 1]],
        IMAGES[:2],
        IMAGES.view(3, 1, 2, 8),
        IMAGES.to(torch.int8),
        IMAGES.transpose(-1, -2),
    ],
)
def test_a_fingerprint_tells_values_order_shape_and_type_apart(other):
    assert fingerprint(other) != fingerprint(IMAGES)


def test_a_fingerprint_does_not_depend_on_strides():
    odd = IMAGES.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)
    turned = IMAGES.transpose(-1, -2).contiguous().transpose(-1, -2)
    assert fingerprint(odd) == fingerprint(turned) == fingerprint(IMAGES.clone())


def test_a_fingerprint_is_sha256_of_type_shape_and_bytes():
    content = b"torch.int64[3]" + struct.pack("<3q", 3, 1, 2)
    assert fingerprint(torch.tensor([3, 1, 2])) == hashlib.sha256(content).hexdigest()[:32]
