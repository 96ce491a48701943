"""Settings from the environment."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from veriscope.errors import DataError
from veriscope.settings import Limits, Settings


def test_without_variables_the_defaults_hold() -> None:
    assert Settings.from_environment({}) == Settings()


def test_by_default_strangers_may_do_nothing() -> None:
    assert not Settings().allow_plugins
    assert Settings().trust_anchors is None
    assert Settings().detectors == ()


@pytest.mark.parametrize(
    ("variable", "text", "field", "wanted"),
    [
        ("OFFLINE", "1", "offline", True),
        ("OFFLINE", "TRUE", "offline", True),
        ("OFFLINE", "yes", "offline", True),
        ("OFFLINE", "0", "offline", False),
        ("OFFLINE", "no", "offline", False),
        ("OFFLINE", "", "offline", False),
        ("THREADS", "3", "threads", 3),
        ("DETECTORS", "face", "detectors", ("face",)),
        ("DETECTORS", " face , scene,", "detectors", ("face", "scene")),
        ("TRUST_ANCHORS", "a/b.pem", "trust_anchors", Path("a/b.pem")),
        ("ALLOW_PLUGINS", "true", "allow_plugins", True),
    ],
)
def test_a_variable_sets_its_field(variable: str, text: str, field: str, wanted: object) -> None:
    found = Settings.from_environment({f"VERISCOPE_{variable}": text})
    assert found == dataclasses.replace(Settings(), **{field: wanted})  # type: ignore[arg-type]


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(Limits)])
def test_every_limit_has_a_variable(field: str) -> None:
    limits = Settings.from_environment({f"VERISCOPE_LIMITS_{field.upper()}": "7"}).limits
    assert limits == dataclasses.replace(Limits(), **{field: 7})


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("VERISCOPE_OFFLINE", "maybe"),
        ("VERISCOPE_THREADS", "four"),
        ("VERISCOPE_THREADS", "1.5"),
        ("VERISCOPE_LIMITS_MAX_PIXELS", "12 MP"),
        ("VERISCOPE_LIMITS_FETCH_SECONDS", "soon"),
        ("VERISCOPE_LIMITS_FETCH_SECONDS", "inf"),
        ("VERISCOPE_LIMITS_MAX_BYTES", "-5"),
    ],
)
def test_an_unreadable_value_is_refused_by_name(variable: str, text: str) -> None:
    with pytest.raises(DataError) as caught:
        Settings.from_environment({variable: text})
    assert variable in str(caught.value)
    assert repr(text) in str(caught.value)


def test_the_environment_of_the_process_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERISCOPE_OFFLINE", "1")
    monkeypatch.setenv("VERISCOPE_LIMITS_MAX_FACES", "5")
    found = Settings.from_environment()
    assert found.offline
    assert found.limits.max_faces == 5


def test_settings_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().offline = False  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().limits.max_bytes = 1  # type: ignore[misc]
