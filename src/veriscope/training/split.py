"""Which picture trains, which one chooses the best weights, and which one judges them: decided by group, never by file."""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence

from veriscope.errors import DataError
from veriscope.evaluation.labelled import Example

TRAIN, VALIDATION, TEST = "train", "validation", "test"
SHARES = {TRAIN: 0.7, VALIDATION: 0.15, TEST: 0.15}
LEAST_OF_A_CLASS = 40  # usable pictures; below, a network learns the pictures by heart and the figures say nothing
LEAST_IN_A_PART = 4  # of each class


@dataclasses.dataclass(frozen=True, slots=True)
class Split:
    """The part of each example (None = left out, because its group is on another side), in the examples' order."""

    parts: tuple[str | None, ...]
    groups: tuple[int, ...]

    def of(self, part: str) -> list[int]:
        """Places of the examples of one part."""
        return [place for place, found in enumerate(self.parts) if found == part]

    @property
    def left_out(self) -> int:
        return self.parts.count(None)


def divided(examples: Sequence[Example], groups: Sequence[int], seed: int) -> Split:
    """Three parts with no group in two of them, each with its share of every class, generator and kind.

    A split that the data state is kept; what they don't state is divided here. Of a group that the data put on two sides,
    only the pictures of the side that learns most remain.

    Raises:
        DataError: a class has too few pictures, or so few groups that they cannot be divided.
    """
    _enough(Counter(example.label for example in examples))
    stated = [_stated(example) for example in examples]
    missing = [part for part in SHARES if part not in stated]
    open_places = [place for place, part in enumerate(stated) if part is None or (part == TRAIN and missing)]
    wanted = {part: SHARES[part] for part in SHARES if part in missing or part == TRAIN} if any(stated) else SHARES
    taken = {groups[place] for place, part in enumerate(stated) if part is not None and place not in set(open_places)}
    chosen = _assigned([place for place in open_places if groups[place] not in taken], examples, groups, wanted, seed)
    parts = [chosen.get(place, stated[place] or TRAIN) for place in range(len(examples))]
    split = Split(tuple(_one_side(parts, groups)), tuple(groups))
    _check(split, examples)
    return split


def _stated(example: Example) -> str | None:
    if not example.split:
        return None
    if example.split not in SHARES:
        raise DataError(f'The split "{example.split[:40]}" of {example.name} is unknown. Write train, validation or test.')
    return example.split


def _enough(count: Counter[int]) -> None:
    real, synthetic = count[0], count[1]
    if not real or not synthetic:
        only, other = ("real", "synthetic") if real else ("synthetic", "real")
        raise DataError(
            f"There are only {only} pictures ({real + synthetic}). Add {other} ones: one class alone teaches nothing."
        )
    if min(real, synthetic) < LEAST_OF_A_CLASS:
        raise DataError(
            f"There are {real} real and {synthetic} synthetic pictures that can be used; fine-tuning needs at least "
            f"{LEAST_OF_A_CLASS} of each, and figures that mean something some hundred. Add pictures."
        )


def _assigned(
    places: Sequence[int], examples: Sequence[Example], groups: Sequence[int], shares: dict[str, float], seed: int
) -> dict[int, str]:
    """Each group to the part that lacks its kind of picture most; large groups first, while there is room for them."""
    members: dict[int, list[int]] = defaultdict(list)
    for place in places:
        members[groups[place]].append(place)
    total = Counter(_stratum(examples[place]) for place in places)
    weight = sum(shares.values())
    wanted = {part: {key: count * share / weight for key, count in total.items()} for part, share in shares.items()}
    have: dict[str, Counter[tuple[int, str]]] = {part: Counter() for part in shares}
    found: dict[int, str] = {}
    for group in sorted(members, key=lambda group: (-len(members[group]), _drawn(examples[members[group][0]], seed))):
        count = Counter(_stratum(examples[place]) for place in members[group])

        def lack(part: str, count: Counter[tuple[int, str]] = count) -> float:
            return sum(number * (wanted[part][key] - have[part][key]) / wanted[part][key] for key, number in count.items())

        part = max(shares, key=lack)
        have[part].update(count)
        found.update(dict.fromkeys(members[group], part))
    return found


def _stratum(example: Example) -> tuple[int, str]:
    return example.label, example.generator if example.label else example.kind


def _drawn(example: Example, seed: int) -> str:
    """A stable pseudo-random order: by content, so that names and folders change nothing."""
    return hashlib.sha256(f"{seed}:{example.sha256}".encode()).hexdigest()


def _one_side(parts: Sequence[str], groups: Sequence[int]) -> list[str | None]:
    side: dict[int, str] = {}
    order = list(SHARES)
    for part, group in zip(parts, groups, strict=True):
        side[group] = min(side.get(group, part), part, key=order.index)
    return [part if side[group] == part else None for part, group in zip(parts, groups, strict=True)]


def _check(split: Split, examples: Sequence[Example]) -> None:
    for part in SHARES:
        count = Counter(examples[place].label for place in split.of(part))
        if min(count[0], count[1]) < LEAST_IN_A_PART:
            raise DataError(
                f"The {part} part would hold {count[0]} real and {count[1]} synthetic pictures, {LEAST_IN_A_PART} of each are "
                "needed: too many pictures belong to the same few groups. Add pictures of other people, clips or scenes."
            )
