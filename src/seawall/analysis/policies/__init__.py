"""Policies of one's own, in CEL."""
