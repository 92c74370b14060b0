"""The HTTP service and the command's entry point. No torch and no faiss in here."""
