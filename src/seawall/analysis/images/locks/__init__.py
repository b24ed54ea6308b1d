"""Lock files: what a project would install. Their packages are declared, not proven to be there."""
