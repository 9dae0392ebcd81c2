"""Frontends: text to schema."""
