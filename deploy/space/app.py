"""The app on the port that Hugging Face Spaces shows."""

from veriscope.app.__main__ import main

main(["--address", "0.0.0.0", "--port", "7860"])  # noqa: S104 inside the Space's own container
