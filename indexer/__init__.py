"""The catalog, its raw pools, the spaces derived from them, and the build that fills them."""
