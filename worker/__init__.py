"""The worker: the only place that knows torch."""
