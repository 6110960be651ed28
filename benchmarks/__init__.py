"""Layerwise side by side with the bare matrix products and with other libraries."""
