"""Configuration rules, grouped by theme; each has a bad and a good example under ``../examples``."""
