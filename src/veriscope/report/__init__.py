"""Reports as JSON and as text: the only place where codes become words."""
