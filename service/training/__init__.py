"""Training a backbone on a source of pictures and their labels."""
