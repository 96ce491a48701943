"""Models that are not in the wheel: repositories of the Hugging Face Hub, and folders in the same layout."""
