"""Attack paths: who can walk from an entry to a target, and what each removable grant holds open."""
