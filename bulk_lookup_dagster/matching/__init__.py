"""Finding contacts that are the same person or organisation, explained and undoable."""
