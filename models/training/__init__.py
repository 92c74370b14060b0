"""Training a network on labelled pictures, until its weights can be written to a file."""
