"""Reads the printed front of the card: where the boxes are, what stands in them, whether two frames agree."""

from devices.scanner.layout import Side as Side
from devices.scanner.look import Outcome as Outcome
from devices.scanner.look import Scanner as Scanner
