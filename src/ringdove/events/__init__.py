"""The one event bus and the events on it. Publishers and listeners live elsewhere."""
