"""How one level becomes another, or a better version of itself; passes know the dialects and no backend."""
