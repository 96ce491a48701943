"""What the two outputs of every result mean."""

LABELS = {0: "real", 1: "synthetic"}
