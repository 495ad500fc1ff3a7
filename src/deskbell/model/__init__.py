"""Nouns: frozen, keyword-only values. Standard library only; nothing here decides or does anything."""
