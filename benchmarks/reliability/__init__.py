"""Whether nothing is lost in kills and outages, and whether intervals cover."""
