"""Measurements of this service beside its peers, in one run, as ratios. Nothing here is a test."""
