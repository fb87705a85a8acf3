"""Is it a person, or a picture of one? Cues from five landmarks and optical flow; no model of its own.

`Liveness` judges one attempt. Nothing here was ever measured on people: see docs/presentation-attacks.md.
"""

from __future__ import annotations

from devices.face.liveness.challenge import ACTIONS
from devices.face.liveness.judge import Liveness
from devices.face.liveness.vocabulary import LivenessSettings, Mode, Prompt, Verdict

__all__ = ["ACTIONS", "Liveness", "LivenessSettings", "Mode", "Prompt", "Verdict"]
