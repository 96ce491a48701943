"""Plots of an evaluation, as SVG."""

from __future__ import annotations

from pathlib import Path
from typing import Any

INK, REAL, SYNTHETIC = "#1f2933", "#2f6f9f", "#b4562b"


def draw(data: dict[str, Any], folder: Path) -> None:
    """Reliability and robustness of one detector: evaluation-<id>-reliability.svg and -robustness.svg."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams |= {"svg.hashsalt": "veriscope", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False}
    folder.mkdir(parents=True, exist_ok=True)
    _reliability(data, folder / f"evaluation-{data['detector']}-reliability.svg")
    if data["robustness"]:
        _robustness(data, folder / f"evaluation-{data['detector']}-robustness.svg")


def _save(figure: Any, path: Path) -> None:
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def _reliability(data: dict[str, Any], path: Path) -> None:
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(4, 4))
    said, true, share = zip(*data["reliability"], strict=True)
    axes.plot((0, 1), (0, 1), color="#9aa5b1", linewidth=1, linestyle="--")
    axes.plot(said, true, color=INK, linewidth=1)
    axes.scatter(said, true, s=[20 + 400 * value for value in share], color=SYNTHETIC, alpha=0.8)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="likelihood that was given", ylabel="share that was synthetic")
    axes.set_title(f"{data['detector']} {data['version']}: ECE {data['overall']['ece']:.3f}", loc="left")
    _save(figure, path)
    pyplot.close(figure)


def _robustness(data: dict[str, Any], path: Path) -> None:
    from matplotlib import pyplot

    names = list(data["robustness"])
    figure, (above, below) = pyplot.subplots(2, 1, figsize=(7, 5), sharex=True)
    above.plot(names, [data["robustness"][name]["auc"] for name in names], "o-", color=INK)
    above.set(ylabel="AUC", ylim=(0.5, 1.0))
    for key, colour, label in (("synthetic_flagged", SYNTHETIC, "synthetic, flagged"), ("real_flagged", REAL, "real, flagged")):
        below.plot(names, [100 * data["robustness"][name][key] for name in names], "o-", color=colour, label=label)
    below.set(ylabel="%", ylim=(0, 100))
    below.legend(frameon=False)
    below.tick_params(axis="x", rotation=60)
    above.set_title(f"{data['detector']} {data['version']}: unseen sources, altered copies", loc="left")
    _save(figure, path)
    pyplot.close(figure)
