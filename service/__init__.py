"""Settings, search, scores, collages, and the commands that need no HTTP."""
