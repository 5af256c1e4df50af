"""Checked compilation: runs the module before and after every pass and names the first that changed it."""
