import os
import tracemalloc
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from sdd.console import Progress
from sdd.data.datasets.image_folder import load_image_folder
from sdd.errors import UserError

CIFAR10_CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


def save(path, seed=0, size=(6, 6), mode="RGB"):
    """Write a random image of (width, height) `size`; returns its grey values."""
    path.parent.mkdir(parents=True, exist_ok=True)
    channels = (3,) if mode == "RGB" else ()
    values = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], *channels), dtype=np.uint8)
    Image.fromarray(values).save(path, **({"quality": 95} if path.suffix == ".JPEG" else {}))
    return values


def folder(root, tree, **how):
    """Write an image for each path; returns their grey values in the same order."""
    return [save(root / path, seed, **how) for seed, path in enumerate(tree)]


def one_line(error):
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("test_part", ["test", "val"])
def test_classes_are_numbered_by_name_and_images_sorted_in_them(tmp_path, test_part):
    tree = ["train/a/2.png", "train/a/10.png", "train/b/deep/x.PNG", "train/c/y.bmp"]
    tested = [f"{test_part}/{name}/t.png" for name in "abc"]
    values = folder(tmp_path, [*reversed(tree), *tested])
    (tmp_path / "train" / "a" / "notes.txt").write_text("no image")
    data = load_image_folder(tmp_path)
    assert data.train_labels.tolist() == [0, 0, 1, 2]
    assert data.test_labels.tolist() == [0, 1, 2]
    assert data.num_classes == 3
    assert data.train_images.dtype == torch.uint8
    assert data.look_alikes is None
    # "10.png" sorts before "2.png".
    y, x, ten, two, *rest = (torch.from_numpy(v).permute(2, 0, 1) for v in values)
    assert torch.equal(data.train_images, torch.stack([ten, two, x, y]))
    assert torch.equal(data.test_images, torch.stack(rest))


@pytest.mark.parametrize("unlabelled", [[], ["test/images/test_0.JPEG"]])
def test_tiny_imagenet_is_read_as_its_zip_unpacks(tmp_path, unlabelled):
    classes = ["n01443537", "n01629819"]
    folder(tmp_path, [f"train/{name}/images/{name}_{i}.JPEG" for name in classes for i in range(3)], size=(64, 64))
    for name in classes:
        (tmp_path / "train" / name / f"{name}_boxes.txt").write_text("n01443537_0.JPEG\t0\t10\t63\t58\n")
    folder(tmp_path, [f"val/images/val_{i}.JPEG" for i in range(4)] + unlabelled, size=(64, 64))
    taken = [1, 0, 0, 1]
    lines = [f"val_{i}.JPEG\t{classes[label]}\t0\t32\t44\t62\n" for i, label in enumerate(taken)]
    (tmp_path / "val" / "val_annotations.txt").write_text("".join(reversed(lines)))
    (tmp_path / "wnids.txt").write_text("\n".join(reversed(classes)))
    data = load_image_folder(tmp_path)
    assert data.train_images.shape == (6, 3, 64, 64)
    assert data.train_labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert data.test_labels.tolist() == taken
    for number in range(4):
        with Image.open(tmp_path / "val" / "images" / f"val_{number}.JPEG") as image:
            assert np.array_equal(data.test_images[number].permute(1, 2, 0).numpy(), np.asarray(image))


@pytest.mark.parametrize("line", ["val_0.JPEG", "val_0.JPEG\tn99", "", "val_0.JPEG n01"])
def test_an_annotation_that_makes_no_sense_is_named_by_its_line(tmp_path, line):
    folder(tmp_path, ["train/n01/a.png", "val/images/val_0.JPEG"])
    (tmp_path / "val" / "val_annotations.txt").write_text(f"val_0.JPEG\tn01\n{line}\n")
    with pytest.raises(UserError, match=r"val_annotations\.txt:2: ") as caught:
        load_image_folder(tmp_path)
    one_line(caught)


def test_an_image_that_is_annotated_twice_is_named(tmp_path):
    folder(tmp_path, ["train/n01/a.png", "val/images/val_0.JPEG"])
    (tmp_path / "val" / "val_annotations.txt").write_text("val_0.JPEG\tn01\n" * 2)
    with pytest.raises(UserError, match=r"val_annotations\.txt:2: val_0\.JPEG has a class already"):
        load_image_folder(tmp_path)


BOTH = ["train/a/x.png", "train/b/x.png", "test/a/x.png", "test/b/x.png"]


@pytest.mark.parametrize(
    "hidden",
    ["train/.ipynb_checkpoints/x.png", "test/.cache/x.png", "train/a/.ipynb_checkpoints/y.png", "test/b/._x.png"],
)
def test_names_that_start_with_a_dot_are_left_alone_in_both_parts(tmp_path, hidden):
    folder(tmp_path / "plain", BOTH)
    folder(tmp_path / "with", [*BOTH, hidden])
    plain, found = load_image_folder(tmp_path / "plain"), load_image_folder(tmp_path / "with")
    assert found.num_classes == 2
    for part in ("train", "test"):
        assert torch.equal(getattr(found, f"{part}_images"), getattr(plain, f"{part}_images"))
        assert np.array_equal(getattr(found, f"{part}_labels"), getattr(plain, f"{part}_labels"))


@pytest.mark.parametrize("content", [None, "notes.txt", ".x.png", "deep/"])
@pytest.mark.parametrize(("parts", "named"), [(["train", "test"], "train"), (["train"], "train"), (["test"], "test")])
def test_a_class_without_images_in_any_part_is_refused_by_name(tmp_path, parts, named, content):
    folder(tmp_path, BOTH + [f"{part}/empty/x.png" for part in ("train", "test") if part not in parts])
    for part in parts:
        place = tmp_path / part / "empty"
        place.mkdir()
        if content is not None and content.endswith("/"):
            (place / content).mkdir()
        elif content is not None:
            (place / content).write_text("no image")
    with pytest.raises(UserError, match=f"{named} has no images of empty: .*remove the class from both") as caught:
        load_image_folder(tmp_path)
    one_line(caught)


def test_a_class_without_annotated_images_is_refused_too(tmp_path):
    folder(tmp_path, ["train/n01/a.png", "train/n02/a.png", "val/images/val_0.JPEG"])
    (tmp_path / "val" / "val_annotations.txt").write_text("val_0.JPEG\tn01\n")
    with pytest.raises(UserError, match="val has no images of n02"):
        load_image_folder(tmp_path)


@pytest.mark.parametrize("links", [{"a/loop": ".."}, {"a/loop": "."}, {"a/to": "../b", "b/back": "../a"}])
def test_links_that_lead_back_are_refused_and_others_followed(tmp_path, links):
    folder(tmp_path, ["train/a/0.png", "train/b/1.png", "test/a/2.png", "test/b/3.png", "elsewhere/4.png"])
    (tmp_path / "train" / "a" / "further").symlink_to("../../elsewhere")
    assert load_image_folder(tmp_path).train_labels.tolist() == [0, 0, 1]
    for place, target in links.items():
        (tmp_path / "train" / place).symlink_to(target)
    with pytest.raises(UserError, match="is a link to a folder that it is in") as caught:
        load_image_folder(tmp_path)
    assert "\n" not in str(caught.value)


def test_classes_written_in_another_case_are_named_together(tmp_path):
    folder(tmp_path, ["train/Cat/x.png", "test/cat/x.png"])
    with pytest.raises(UserError, match=r"differ in their classes: Cat, cat .*; Cat and cat must be written alike"):
        load_image_folder(tmp_path)


def test_grey_images_have_three_equal_channels(tmp_path):
    values = folder(tmp_path, ["train/a/x.png", "test/a/x.png"], mode="L")
    data = load_image_folder(tmp_path)
    for image, expected in zip((data.train_images[0], data.test_images[0]), values, strict=True):
        assert np.array_equal(image.numpy(), np.stack([expected] * 3))


@pytest.mark.parametrize("values", [np.full((6, 6), 1000, np.uint16), np.full((6, 6), 0.5, np.float32)])
def test_images_of_more_than_eight_bits_are_refused_not_clipped(tmp_path, values):
    folder(tmp_path, ["train/a/x.png", "test/a/x.png"])
    Image.fromarray(values).save(tmp_path / "train" / "a" / "deep.tif")
    with pytest.raises(UserError, match=r"cannot read the image .*deep\.tif: .*more than 8 bits"):
        load_image_folder(tmp_path)


@pytest.mark.parametrize("missing", ["train", "test"])
def test_a_missing_part_is_an_error_that_says_what_goes_where(tmp_path, missing):
    folder(tmp_path, [f"{'test' if missing == 'train' else 'train'}/a/x.png"])
    with pytest.raises(UserError, match="put images into train/CLASS/ and test/CLASS/") as caught:
        load_image_folder(tmp_path)
    assert str(tmp_path) in one_line(caught)


@pytest.mark.parametrize("empty", ["train", "test"])
def test_a_part_without_images_is_an_error_that_names_it(tmp_path, empty):
    folder(tmp_path, [f"{part}/a/x.png" for part in ("train", "test") if part != empty])
    (tmp_path / empty / "a").mkdir(parents=True)
    (tmp_path / empty / "a" / "x.txt").write_text("no image")
    with pytest.raises(UserError, match=f"no images in .*{empty}; known endings: .*jpeg") as caught:
        load_image_folder(tmp_path)
    one_line(caught)


@pytest.mark.parametrize(
    ("train", "test", "named"), [("ab", "ac", "b, c"), ("ab", "a", "b"), ("a", "ab", "b"), ("a", "b", "a, b")]
)
def test_parts_that_differ_in_classes_are_an_error_that_names_them(tmp_path, train, test, named):
    folder(tmp_path, [f"train/{name}/x.png" for name in train] + [f"test/{name}/x.png" for name in test])
    with pytest.raises(UserError, match=f"differ in their classes: {named} ") as caught:
        load_image_folder(tmp_path)
    one_line(caught)


def break_chunk(content):
    """Damage the name of a PNG's second chunk, for which Pillow raises a SyntaxError."""
    return content[:37] + b"\xd6p\x0c(" + content[41:]


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("x.png", lambda content: b""),
        ("x.png", lambda content: b"no image at all"),
        ("x.png", lambda content: content[: len(content) // 2]),
        ("x.png", break_chunk),
        ("x.jpg", lambda content: content[: len(content) // 2]),
        ("x.ppm", lambda content: content.replace(b"6 6", b"6 Z")),
        ("x.bmp", lambda content: content[:18] + b"\xff\xff\xff\x00\xff\xff\xff\x00" + content[26:]),
    ],
)
def test_a_damaged_image_is_named_in_one_line(tmp_path, name, damage):
    folder(tmp_path, ["train/a/fine.png", f"train/a/{name}", "test/a/fine.png"])
    path = tmp_path / "train" / "a" / name
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(UserError, match="cannot read the image") as caught:
        load_image_folder(tmp_path)
    assert str(path) in one_line(caught)


def test_differing_sizes_are_an_error_that_names_the_way_out(tmp_path):
    folder(tmp_path, ["train/a/x.png", "test/a/x.png"])
    save(tmp_path / "train" / "a" / "y.png", size=(9, 7))
    with pytest.raises(UserError, match=r"x\.png is 6×6, .*y\.png is 9×7; set --data\.load_size") as caught:
        load_image_folder(tmp_path)
    one_line(caught)


def test_a_load_size_brings_all_images_to_one_square(tmp_path):
    sizes = {"a": (20, 20), "b": (40, 20), "c": (20, 60), "d": (10, 10), "e": (13, 17), "f": (5, 30)}
    for name, size in sizes.items():
        save(tmp_path / "train" / "x" / f"{name}.png", size=size)
    folder(tmp_path, ["test/x/t.png"])
    data = load_image_folder(tmp_path, load_size=10)
    assert data.train_images.shape == (6, 3, 10, 10)
    # (resized to, cut from the left, from the top), worked by hand where it comes out even.
    for number, (name, resized, left, top) in enumerate(
        [("a", (10, 10), 0, 0), ("b", (20, 10), 5, 0), ("c", (10, 30), 0, 10), ("d", (10, 10), 0, 0)]
    ):
        with Image.open(tmp_path / "train" / "x" / f"{name}.png") as image:
            expected = np.asarray(image.resize(resized, Image.Resampling.BILINEAR))
        expected = expected[top : top + 10, left : left + 10]
        assert np.array_equal(data.train_images[number].permute(1, 2, 0).numpy(), expected), name


def test_cifar_as_jpeg_files_is_read_pixel_for_pixel(cifar_jpeg):
    data = load_image_folder(cifar_jpeg)
    each = len(data.train_labels) // 10
    assert data.train_images.shape == (10 * each, 3, 32, 32)
    assert data.train_labels.tolist() == [label for label in range(10) for _ in range(each)]
    assert data.test_labels.tolist() == data.train_labels.tolist()
    for part, images in (("train", data.train_images), ("test", data.test_images)):
        for label, name in enumerate(CIFAR10_CLASSES):
            paths = sorted((cifar_jpeg / part / name).iterdir())
            assert len(paths) == each
            for place in (0, each - 1):
                with Image.open(paths[place]) as image:
                    expected = np.asarray(image.convert("RGB"))
                assert np.array_equal(images[label * each + place].permute(1, 2, 0).numpy(), expected)


def test_images_are_read_into_one_array_and_a_bar_shows_how_many(tmp_path, monkeypatch):
    """Nothing as large as the images is allocated beside them; torch's memory would not be traced, NumPy's is."""
    values = folder(
        tmp_path, [f"{part}/a/{i:03d}.bmp" for part in ("test", "train") for i in range(150)], size=(64, 48)
    )
    shown = []

    class Bar(Progress):
        def move_to(self, done, words, total=None):
            super().move_to(done, words, total)
            shown.append((done, self.total))

    monkeypatch.setattr("sdd.data.datasets.image_folder.Progress", Bar)
    tracemalloc.start()
    data = load_image_folder(tmp_path)
    now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    size = 300 * 3 * 64 * 48
    assert size <= now <= peak <= 1.25 * size
    assert data.train_images.is_contiguous()
    assert np.array_equal(data.train_images.permute(0, 2, 3, 1).numpy(), np.stack(values[150:]))
    assert [total for _, total in shown] == [300] * 5
    assert shown[-1][0] == 300


def test_annotated_images_are_in_the_order_of_folders_then_names(tmp_path):
    names = ["b.png", "a-b/y.png", "a/z.png"]
    save(tmp_path / "train" / "n" / "x.png")
    values = folder(tmp_path, [f"val/images/{name}" for name in names])
    (tmp_path / "val" / "val_annotations.txt").write_text("".join(f"{name}\tn\n" for name in names))
    found = load_image_folder(tmp_path).test_images.permute(0, 2, 3, 1).numpy()
    assert np.array_equal(found, np.stack([values[2], values[1], values[0]]))


def _claiming(path, width, height):
    """Write a PNG that claims to be larger than it is, as a decompression bomb does."""
    save(path)
    content = bytearray(path.read_bytes())
    content[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    path.write_bytes(content)


def _film(path, kind):
    frames = [Image.fromarray(np.full((6, 6, 3), grey, np.uint8)) for grey in (0, 100, 200)]
    frames[0].save(path, format=kind, save_all=True, append_images=frames[1:])


_EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 6 6\n%%EndComments\n(/tmp/x) (w) file\nshowpage\n%%EOF\n"

ODD = {
    "eps": (lambda path: path.write_bytes(_EPS), "no image of a known format"),
    "text": (lambda path: path.write_text("hello\n"), "no image of a known format"),
    "zero bytes": (lambda path: path.write_bytes(b"\0" * 500), "no image of a known format"),
    "empty": (lambda path: path.write_bytes(b""), "no image of a known format"),
    "gif": (lambda path: _film(path, "GIF"), "no image of a known format"),
    "animated png": (lambda path: _film(path, "PNG"), "several pictures"),
    "animated webp": (lambda path: _film(path, "WEBP"), "several pictures"),
    "pages": (lambda path: _film(path, "TIFF"), "several pictures"),
    "16 bits": (lambda path: Image.fromarray(np.full((6, 6), 999, np.uint16)).save(path), "more than 8 bits"),
    "bomb": (lambda path: _claiming(path, 60_000, 60_000), "60000×60000 pixels|exceeds limit"),
    "large": (lambda path: _claiming(path, 10_000, 9_000), "10000×9000 pixels"),
    "pipe": (os.mkfifo, "it is no file"),
    "nowhere": (lambda path: path.symlink_to("nowhere"), "No such file"),
    "circle": (lambda path: path.symlink_to(path.name), "[Ss]ymbolic links"),
}


@pytest.mark.parametrize("kind", ODD)
def test_an_odd_file_is_named_and_nothing_else_is_started(tmp_path, monkeypatch, kind):
    write, words = ODD[kind]
    monkeypatch.setattr("subprocess.Popen", lambda *_, **__: pytest.fail("a program was started"))
    folder(tmp_path, ["train/a/0.png", "train/b/0.png", "test/a/0.png", "test/b/0.png"])
    write(tmp_path / "train" / "b" / "1.png")
    with pytest.raises(UserError, match=words) as refused:
        load_image_folder(tmp_path)
    assert str(tmp_path / "train" / "b" / "1.png") in one_line(refused)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "PPM", "TIFF", "WEBP"])
def test_the_content_tells_the_format_not_the_ending(tmp_path, kind):
    folder(tmp_path, ["train/a/0.png", "train/b/0.png", "test/a/0.png", "test/b/0.png"])
    Image.new("RGB", (6, 6), (200, 100, 0)).save(tmp_path / "train" / "b" / "0.png", format=kind)
    image = load_image_folder(tmp_path).train_images[1].float()
    assert (image.mean((1, 2)) - torch.tensor([200.0, 100.0, 0.0])).abs().max() < 8


@pytest.mark.parametrize(
    ("mode", "colour"), [("CMYK", (0, 255, 255, 0)), ("P", 1), ("L", 76), ("RGBA", (255, 0, 0, 9))]
)
def test_other_modes_are_brought_to_rgb(tmp_path, mode, colour):
    folder(tmp_path, ["train/a/0.png", "train/b/0.png", "test/a/0.png", "test/b/0.png"])
    image = Image.new(mode, (6, 6), colour)
    if mode == "P":
        image.putpalette([0, 0, 0, 255, 0, 0])
    image.save(tmp_path / "train" / "b" / "0.png", format="JPEG" if mode == "CMYK" else "PNG")
    want = [76, 76, 76] if mode == "L" else [255, 0, 0]
    assert (load_image_folder(tmp_path).train_images[1].float().mean((1, 2)) - torch.tensor(want)).abs().max() < 4


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "PPM", "TIFF", "WEBP"])
def test_a_file_cut_anywhere_is_named_or_read(tmp_path, capfd, kind):
    folder(tmp_path, ["train/a/0.png", "train/b/0.png", "test/a/0.png", "test/b/0.png"])
    file = tmp_path / "train" / "b" / "0.png"
    save(tmp_path / "whole.png", size=(6, 6))
    Image.open(tmp_path / "whole.png").save(file, format=kind)
    whole = file.read_bytes()
    said = []
    for kept in range(0, len(whole), max(len(whole) // 25, 1)):
        file.write_bytes(whole[:kept])
        try:
            load_image_folder(tmp_path)
        except UserError as error:
            said.append(str(error))
    assert len(said) > 15
    assert all(str(file) in line and line.isprintable() for line in said)
    assert capfd.readouterr().err == ""
