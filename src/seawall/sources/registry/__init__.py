"""OCI registries: names, logins and a client of the distribution API, for images and for artifacts."""
