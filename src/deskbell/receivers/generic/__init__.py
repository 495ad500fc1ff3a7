"""The generic kind: any program that takes a signed POST with JSON."""
