"""Settings as pure values: digest, what a file holds, and how two differ."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdd.errors import UserError
from sdd.runs.identity import restored
from sdd.runs.settings import FORMAT, Settings, difference, expected_levels, same

VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=5))
MAPPINGS = st.dictionaries(st.text(min_size=1, max_size=5), VALUES, max_size=5)


@given(MAPPINGS, MAPPINGS)
def test_a_file_gives_back_what_was_written(chosen, values):
    settings = Settings(chosen, values, {"m": 1})
    assert Settings.of_content(json.loads(json.dumps(settings.content())), "settings.json") == settings
    assert settings.content()["format"] == FORMAT


@given(MAPPINGS, MAPPINGS)
def test_the_digest_is_of_what_was_chosen_in_whatever_order(chosen, values):
    turned = dict(reversed(chosen.items()))
    assert Settings(chosen, values).digest() == Settings(turned, {}).digest()
    assert len(Settings(chosen, values).digest()) == 8


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([1], "is damaged: it holds no settings by name"),
        ({"seed_everything": 0}, "was written before its format had a number"),
        ({"format": 2}, "was written in format 2, by another version of sdd; this one reads format 1"),
        ({"format": 1, "chosen": {}}, "is damaged: it lacks"),
    ],
)
def test_another_format_or_damage_is_one_line(content, words):
    with pytest.raises(UserError, match=words) as found:
        Settings.of_content(content, "settings.json")
    assert "\n" not in str(found.value)


ONE, OTHER = {"o.class_path": "A"}, {"o.class_path": "B"}


def settings(chosen, **defaults):
    return Settings(chosen, defaults | chosen)


@pytest.mark.parametrize(
    ("stored", "now", "conflicts", "moved"),
    [
        (settings({"a": 1}, b=2), settings({"a": 1}, b=2), (), {}),
        (settings({"a": 1}), settings({"a": 2}), ("a is 2 but was 1",), {}),
        (settings({"a": 1}), settings({"a": 1.0}), (), {}),
        (settings({"a": 1}), settings({"a": True}), ("a is true but was 1",), {}),
        # At its default in one, chosen in the other.
        (settings({}, a=1), settings({"a": 2}), ("a is 2 but was 1",), {}),
        (settings({}, a=1), settings({"a": 1}), (), {}),
        # One side lacks the option altogether.
        (settings({}), settings({}, new=1), (), {}),
        (settings({}, old=1), settings({}), (), {}),
        (settings({}), settings({"new": 1}), ("new is 1 but was not set",), {}),
        (settings({"old": 1}), settings({}), ("old is not set but was 1",), {}),
        # A default has moved, to another value, class, or to a class from null.
        (settings({}, a=1), settings({}, a=2), (), {"a": (1, 2)}),
        (
            settings({}, **{"o.class_path": "A"}),
            settings({}, **{"o.class_path": "B"}),
            (),
            {"o.class_path": ("A", "B")},
        ),
        (settings({}, o=None), settings({}, **OTHER), (), {"o": (None, "B")}),
        (settings({}, **ONE), settings({}, o=None), (), {"o": ("A", None)}),
    ],
)
def test_how_two_settings_differ(stored, now, conflicts, moved):
    found = difference(stored, now)
    assert found.conflicts == conflicts
    assert found.moved == moved


def test_what_moved_is_restored_with_all_its_arguments_and_in_its_place():
    callbacks = [{"class_path": "sdd.callbacks.LearningDistance"}, {"class_path": "sdd.models.MLP", "init_args": {}}]
    config = {"o": {"class_path": "B", "init_args": {"y": 1}}, "s": {"a": 2}, "trainer": {"callbacks": callbacks}}
    values = {"o.class_path": "A", "o.init_args.x": 1, "o.init_args.n.class_path": "C", "s.a": 1}
    values["trainer.callbacks.0.init_args.widths"] = [1]
    kept = json.loads(json.dumps(config))
    found = restored(config, values, ["o.class_path", "s.a", "trainer.callbacks.0.init_args.widths"])
    assert config == kept
    assert found["o"] == {"class_path": "A", "init_args": {"x": 1, "n": {"class_path": "C"}}}
    assert found["s"] == {"a": 1}
    assert found["trainer"]["callbacks"] == [callbacks[0], callbacks[1] | {"init_args": {"widths": [1]}}]


def test_numbers_are_the_same_whatever_their_type_but_true_is_none():
    assert same([1, {"x": 2.0}], [1.0, {"x": 2}])
    assert not same(1, True)
    assert not same(2**60, 2**60 + 1)
    assert same(float("nan"), float("nan"))


def test_levels_follow_from_sparsities_or_the_number_of_prunings():
    assert expected_levels({"pruning.levels": 3, "pruning.sparsities": None}) == 4
    assert expected_levels({"pruning.levels": 3, "pruning.sparsities": [0.5]}) == 2
    assert expected_levels({}) is None
