"""Which picture trains and which one judges: groups stay whole, near-copies are found, and what is too little is refused."""

from __future__ import annotations

import dataclasses
import io
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from clouds_made import cloud
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import Image

from veriscope.errors import DataError
from veriscope.evaluation.labelled import Example
from veriscope.training.likeness import NEAR, difference_hash, joined
from veriscope.training.split import SHARES, Split, divided


def example(number: int, label: int, generator: str = "", split: str = "") -> Example:
    return Example(Path(f"/pictures/{number}.jpg"), f"{number}.jpg", label, f"{number:064x}", generator, "", "", split)


def both(count: int) -> list[Example]:
    return [example(number, number % 2, "warp" if number % 4 == 1 else "") for number in range(2 * count)]


def sides(split: Split) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for part, group in zip(split.parts, split.groups, strict=True):
        if part is not None:
            found.setdefault(group, set()).add(part)
    return found


@hypothesis_settings(deadline=None)  # a loaded machine is no error
@given(groups=st.lists(st.integers(0, 60), min_size=240, max_size=240), seed=st.integers(0, 5))
def test_no_group_is_in_two_parts(groups: list[int], seed: int) -> None:
    examples = both(120)
    try:
        split = divided(examples, groups, seed)
    except DataError:
        return  # too few groups to divide is a fair answer, and has its own test
    assert all(len(parts) == 1 for parts in sides(split).values())
    assert None not in split.parts


def test_every_part_has_its_share_of_each_class_and_generator() -> None:
    examples = both(200)
    split = divided(examples, range(400), 0)
    for part, share in SHARES.items():
        places = split.of(part)
        count = Counter((examples[place].label, examples[place].generator) for place in places)
        assert count[0, ""] == pytest.approx(200 * share, abs=2)
        assert count[1, "warp"] == pytest.approx(100 * share, abs=2)


def test_the_seed_decides_and_names_do_not() -> None:
    examples = both(60)
    moved = [dataclasses.replace(one, path=Path("/elsewhere") / one.name, name=f"x/{one.name}") for one in examples]
    assert divided(examples, range(120), 1).parts == divided(moved, range(120), 1).parts
    assert divided(examples, range(120), 1).parts != divided(examples, range(120), 2).parts


def test_a_stated_split_is_kept_and_a_missing_part_is_taken_from_training() -> None:
    stated = [dataclasses.replace(one, split="test" if place < 40 else "train") for place, one in enumerate(both(100))]
    split = divided(stated, range(200), 0)
    assert split.of("test") == list(range(40))
    assert len(split.of("validation")) == pytest.approx(160 * 0.15 / 0.85, abs=3)


def test_of_a_group_that_the_data_put_on_two_sides_only_training_remains() -> None:
    stated = [dataclasses.replace(one, split="test" if place < 40 else "train") for place, one in enumerate(both(100))]
    groups = [place if place >= 10 else 190 + place for place in range(200)]  # the first ten belong to the last ten
    split = divided(stated, groups, 0)
    assert split.left_out == 10
    assert all(part is None for part in split.parts[:10])
    assert all(len(parts) == 1 for parts in sides(split).values())


@pytest.mark.parametrize(
    ("examples", "says"),
    [
        pytest.param([example(number, 0) for number in range(90)], r"only real pictures \(90\)", id="one class"),
        pytest.param(both(20), "20 real and 20 synthetic pictures.*at least 40 of each", id="too few"),
        pytest.param(
            [*both(50), example(999, 1, split="later")], 'The split "later" of 999.jpg is unknown', id="unknown split"
        ),
    ],
)
def test_what_cannot_be_divided_is_refused_with_numbers(examples: list[Example], says: str) -> None:
    with pytest.raises(DataError, match=says):
        divided(examples, range(len(examples)), 0)


def test_everybody_in_one_group_is_refused() -> None:
    with pytest.raises(DataError, match="too many pictures belong to the same few groups"):
        divided(both(60), [0] * 120, 0)


def saved_again(picture: Image.Image, quality: int, side: int) -> Image.Image:
    buffer = io.BytesIO()
    picture.resize((side, side)).save(buffer, "JPEG", quality=quality)
    return Image.open(buffer)


def test_copies_are_one_group_and_others_are_not() -> None:
    pictures = [cloud(number, cold=False, side=160) for number in range(30)]
    copies = [saved_again(picture, 40, 90) for picture in pictures[:5]]
    hashes = np.stack([difference_hash(picture) for picture in (*pictures, *copies)])
    groups = joined(35, hashes)
    assert groups[30:] == groups[:5]
    assert len(set(groups[:30])) == 30


def test_names_join_what_looks_different_and_empty_ones_do_not() -> None:
    groups = joined(5, None, [["anna", "", "anna", "ben", ""]])
    assert groups[0] == groups[2]
    assert len(set(groups)) == 4


def test_the_limit_of_likeness_is_counted_in_bits() -> None:
    bits = np.zeros((3, 256), np.uint8)
    bits[1, :NEAR] = 1
    bits[2] = 1
    assert joined(3, np.packbits(bits, axis=1)) == [0, 0, 2]
    bits[1, NEAR] = 1
    assert joined(3, np.packbits(bits, axis=1)) == [0, 1, 2]
