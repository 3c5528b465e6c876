"""What both towers say to each other: recipes, jobs, records; it needs numpy, at most pyarrow.

Every file here is part of the environment key.
"""
