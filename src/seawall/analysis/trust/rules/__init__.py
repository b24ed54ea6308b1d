"""Rules on where images come from."""
