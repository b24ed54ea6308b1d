"""Advisories as they are published: OSV, distributions' own trackers, CISA's catalogue, EPSS."""
