"""The domain: what happens between a card put down and a card taken away.

Pure: standard library only; no thread, no clock, no input or output. Personal data is known as opaque handles.
"""
