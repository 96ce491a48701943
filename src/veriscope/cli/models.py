"""`veriscope models`: which models from elsewhere are pinned here, and whether they still are what they were."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from veriscope.cli.elsewhere import arriving
from veriscope.cli.output import EXIT_SOME_FAILED, Format, to_standard_output
from veriscope.errors import DataError, VeriscopeError

if TYPE_CHECKING:
    from veriscope.detectors.hub.lock import Lock, LockedModel
    from veriscope.detectors.hub.reference import Reference
    from veriscope.settings import Settings

models = typer.Typer(
    help="Pin models of the Hugging Face Hub, list them, and check that they are what they were.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_References = Annotated[list[str] | None, typer.Argument(metavar="[REF...]", help="hf:OWNER/NAME[@REVISION]; none: all.")]
_EXITS = "Exit codes: 0 all as it should be; 2 wrong usage; 3 some models are not, each with its reason."


@models.command()
def add(
    reference: Annotated[str, typer.Argument(metavar="REF", help="hf:OWNER/NAME, or hf:OWNER/NAME@REVISION.")],
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="Use it although its licence forbids commercial use.")
    ] = False,
    all_weights: Annotated[
        bool,
        typer.Option("--all-weights", help="Of a model with ONNX and safetensors, pin both: fine-tuning needs the latter."),
    ] = False,
) -> None:
    """Fetch a model, pin its commit and the SHA-256 of its files; or fetch again what changed on this machine."""
    import dataclasses

    from veriscope.detectors.hub.lock import Lock
    from veriscope.detectors.hub.pinning import add_all_weights, repair

    wanted, settings = _parsed(reference), _settings()
    settings = dataclasses.replace(settings, accept_licences=accept_licence or settings.accept_licences)
    with arriving(reference) as tell:
        if all_weights:
            add_all_weights(wanted, settings, tell)
        repair(wanted, settings, tell)
    lock = Lock.of(settings)
    to_standard_output(_entry(str(wanted), lock.models()[str(wanted)], lock) + f"\n  lock       {lock.path}\n")


@models.command(name="list")
def list_models(
    output_format: Annotated[Format, typer.Option("--format", help="text, json or jsonl.")] = Format.TEXT,
) -> None:
    """List the pinned models. Asks nobody and opens no model."""
    from veriscope.detectors.hub.lock import Lock

    lock = Lock.of(_settings())
    pinned = lock.models()
    if output_format is Format.TEXT:
        nothing = "No model is pinned. `veriscope models add hf:OWNER/NAME` pins one."
        to_standard_output(("\n\n".join(_entry(name, model, lock) for name, model in pinned.items()) or nothing) + "\n")
        return
    rows = [_row(name, model, lock) for name, model in pinned.items()]
    if output_format is Format.JSON:
        to_standard_output(json.dumps(rows, indent=2, ensure_ascii=False) + "\n")
    else:
        to_standard_output("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


@models.command(epilog=_EXITS)
def check(references: _References = None) -> None:
    """Ask the Hub whether a pinned model has moved since. Changes nothing."""
    from veriscope.detectors.hub.pinning import newest

    settings = _settings()

    def compared(reference: Reference, model: LockedModel) -> str:
        if reference.is_commit:
            return "named by its commit, which cannot move"
        now = newest(reference, settings)
        if now == model.commit:
            return f"unchanged ({now[:12]})"
        return (
            f"moved: pinned {model.commit[:12]}, now {now[:12]}. The pinned one stays in use; to change, "
            f"`veriscope models remove {reference}`, then add it again"
        )

    _for_each(references, settings, compared)


@models.command(epilog=_EXITS)
def verify(references: _References = None) -> None:
    """Compare every file of the pinned models with its SHA-256. Asks nobody; a file that is missing counts as changed."""
    import dataclasses

    from veriscope.detectors.hub.repository import open_repository

    settings = dataclasses.replace(_settings(), offline=True)

    def verified(reference: Reference, _: LockedModel) -> str:
        repository = open_repository(reference, settings)
        repository.verify()
        return f"{len(repository.files)} files are the pinned ones"

    _for_each(references, settings, verified)


@models.command()
def remove(reference: Annotated[str, typer.Argument(metavar="REF", help="As `veriscope models list` shows it.")]) -> None:
    """Forget a model's pin. Its files stay in the Hub's cache, which other programs share."""
    from veriscope.detectors.hub.lock import Lock

    wanted, lock = _parsed(reference), Lock.of(_settings())
    _pinned([reference], lock)
    lock.remove(wanted)
    to_standard_output(
        f"{wanted} is no longer pinned. `hf cache rm model/{wanted.repository}` deletes its files from the Hub's cache.\n"
    )


def _settings() -> Settings:
    from veriscope.settings import Settings

    return Settings.from_environment()


def _parsed(text: str) -> Reference:
    from veriscope.detectors.hub.reference import Reference

    reference = Reference.parse(text)
    if reference.folder is not None:
        raise DataError(f"{text} is a folder, which is used as it is and never pinned. Give hf:OWNER/NAME.")
    return reference


def _pinned(references: Sequence[str], lock: Lock) -> dict[str, LockedModel]:
    """The entries that are named, or all; `DataError` for a name that is not there."""
    from veriscope.runtime.plugins import did_you_mean

    known = dict(lock.models())
    names = [str(_parsed(text)) for text in references]
    for name in names:
        if name not in known:
            raise DataError(f"{name} is not pinned.{did_you_mean(name, known)} `veriscope models list` shows what is.")
    return {name: known[name] for name in names} if names else known


def _for_each(references: list[str] | None, settings: Settings, ask: Callable[[Reference, LockedModel], str]) -> None:
    """A line for each model; one that fails is told on standard error, and the others go on."""
    from veriscope.detectors.hub.lock import Lock

    failed = False
    for name, model in _pinned(references or (), Lock.of(settings)).items():
        try:
            to_standard_output(f"{name}  {ask(_parsed(name), model)}\n")
        except VeriscopeError as error:
            failed = True
            typer.echo(f"{name}  {error}", err=True)
    if failed:
        raise typer.Exit(EXIT_SOME_FAILED)


def _row(name: str, model: LockedModel, lock: Lock) -> dict[str, Any]:
    tested = lock.selftest_of(model.commit)
    return {"reference": name, **model.model_dump(mode="json"), "selftest": None if tested is None else dict(tested)}


def _entry(name: str, model: LockedModel, lock: Lock) -> str:
    tested = lock.selftest_of(model.commit)
    size = sum(file.bytes for file in model.files.values()) / 1e6
    lines = (
        name,
        f"  commit     {model.commit}, pinned {model.added}",
        f"  licence    {model.licence}{'; accepted' if model.accepted else ''}",
        f"  files      {len(model.files)}, {size:.1f} MB: {', '.join(sorted(model.files))}",
        f"  self-test  {'not made' if tested is None else ', '.join(f'{key} {value}' for key, value in tested.items())}",
    )
    return "\n".join(lines)
