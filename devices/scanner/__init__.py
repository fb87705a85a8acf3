"""Reads the printed front of the card: where the boxes are, what stands in them, whether two frames agree."""
