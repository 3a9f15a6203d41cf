"""CoSIA Map: what is published, what was asked, and its HTTP face. Loads no torch."""
