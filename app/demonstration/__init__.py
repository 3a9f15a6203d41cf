"""The demonstration territory: procedural scenes of a French commune, imagery and truth together."""
