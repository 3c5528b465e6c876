"""The judging tower: pytest plugin, command line and reports. It imports no package under test."""
