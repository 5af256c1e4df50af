"""How the lowest level becomes code that runs, and how every level is run as it is."""
