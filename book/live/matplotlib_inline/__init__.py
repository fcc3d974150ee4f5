"""Stands in for Jupyter's way of showing figures where a chapter runs in the page."""
