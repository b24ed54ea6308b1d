"""Rules about roles, bindings and what follows from them; each has a bad and a good example under ``../examples``."""
