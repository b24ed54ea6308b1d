"""Build files: Dockerfiles and Containerfiles. Nothing is imported here, for walks ask only for their names."""
