"""Two environments compared, and what differs attributed to a package."""
