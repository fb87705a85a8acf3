"""The virtual My Number Card (docs/virtual-card.md): what readers and tests need of it."""

from devices.simulated.card.applications import COMMON, ISD, JPKI, JUKI, TEXT, VISUAL
from devices.simulated.card.faults import CardPulled, Fault, FaultHook, FaultPlan, FaultRule
from devices.simulated.card.options import CardOptions, EndOfFile
from devices.simulated.card.virtual import CardUnpowered, VirtualCard

__all__ = [
    "COMMON",
    "ISD",
    "JPKI",
    "JUKI",
    "TEXT",
    "VISUAL",
    "CardOptions",
    "CardPulled",
    "CardUnpowered",
    "EndOfFile",
    "Fault",
    "FaultHook",
    "FaultPlan",
    "FaultRule",
    "VirtualCard",
]
