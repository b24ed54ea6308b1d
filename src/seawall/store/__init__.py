"""What Seawall remembers between runs."""
