"""What pytest loads: hooks, fixtures, and the state of a session."""
