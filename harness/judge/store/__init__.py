"""Records: sealed folders, the remote they are shared through, and the index of their history."""
