"""Checked compilation: the module is executed before and after every pass; the first that changed it is named."""
