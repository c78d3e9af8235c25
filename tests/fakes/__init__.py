"""Fakes that stand beside the real parts, tested through the code that uses them."""
