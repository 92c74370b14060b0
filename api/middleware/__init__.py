"""ASGI middleware, a module each."""
