"""Training of networks on scenes of the demonstration generator."""
