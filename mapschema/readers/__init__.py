"""Readers of other sides of a comparison."""
