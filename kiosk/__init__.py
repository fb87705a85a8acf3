"""The reception kiosk. `kiosk.app` is the only module that knows every concrete class."""
