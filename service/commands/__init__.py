"""The commands that need no HTTP, one module each; heavy imports happen inside them."""
