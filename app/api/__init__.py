"""The HTTP face: the only folder that knows FastAPI."""
