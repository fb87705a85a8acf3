"""Comparing the person in front of the camera with the photo on the card."""
