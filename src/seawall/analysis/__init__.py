"""Thinking: one package an analysis; none imports another."""
