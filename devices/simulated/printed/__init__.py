"""What is printed on simulated cards, and how it looks to a camera above the tray. Drawn by code."""
