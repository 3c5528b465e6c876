"""Reports: what a session measured, for a terminal, for people and for programs."""
