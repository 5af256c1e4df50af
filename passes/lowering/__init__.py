"""The passes that carry a module from one level down to the next."""
