"""A clip on the screen: player, a timeline per person, and the frames to look at first."""

from __future__ import annotations

import streamlit as st

from veriscope.app.browser import timeline_bars
from veriscope.app.desk import Checked
from veriscope.domain import Clip, Report
from veriscope.i18n import Catalogue
from veriscope.report import timeline
from veriscope.report.sentences import shown


def show(checked: Checked, report: Report, clip: Clip, said: Catalogue) -> None:
    """Draws the clip; a chosen moment of the timeline becomes the player's start."""
    key = f"moment-{report.media.sha256}"
    rows = _rows(report, clip, said)
    if checked.playable is not None:
        st.video(checked.playable, start_time=int(st.session_state.get(key, 0)))
    if rows:
        st.subheader(said.text("section.timeline"), anchor=False)
        chosen = timeline_bars(rows, said, f"timeline-{report.media.sha256}")
        st.caption(said.text("app.video.hint"))
        if chosen is not None and chosen != st.session_state.get(key):
            st.session_state[key] = chosen
            st.rerun()
    st.html(checked.pieces(report, said)["clip"])


def _rows(report: Report, clip: Clip, said: Catalogue) -> list[dict[str, object]]:
    """Bars with their place along the clip and their height, both in per cent."""
    end = clip.until or report.media.duration or max((sample.time for sample in clip.samples), default=0.0) or 1.0
    return [
        {
            "name": name,
            "bars": [
                {
                    "time": round(time, 2),
                    "place": round(100 * min(time / end, 1.0), 2),
                    "height": round(100 * shown(probability), 1),
                    "label": said.text(
                        "app.video.jump", {"time": timeline.clock(time), "score": said.percent(shown(probability))}
                    ),
                }
                for time, probability in moments
            ],
        }
        for name, moments in timeline.curves(report, clip, said)
        if moments
    ]
