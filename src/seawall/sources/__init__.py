"""Reading the world into the model."""
