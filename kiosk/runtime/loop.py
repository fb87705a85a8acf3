"""One writer of state: applies events in order, shows the page, keeps the only deadline, hands commands on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from kiosk.reception import events as e
from kiosk.reception import states as s
from kiosk.reception.commands import Command
from kiosk.reception.machine import deadline, extendable, step
from kiosk.reception.policy import Policy
from kiosk.reception.view import Action, View, view


class Alarm(Protocol):
    """A one-shot timer of the loop's own thread; `set` replaces what was set before."""

    def set(self, seconds: float, action: Callable[[], None]) -> None: ...

    def clear(self) -> None: ...


class Screen(Protocol):
    """What shows a page. `warn` tells that the time of a page is nearly over."""

    def present(self, view: View) -> None: ...

    def warn(self, seconds: int) -> None: ...

    def clear_warning(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Change:
    """One transition, for those who watch (demonstration, tests, traces). Nothing in it is personal."""

    before: s.State
    event: e.Event
    after: s.State


class Loop:
    """`apply` is called on one thread only, and never from inside itself: follow-ups are posted."""

    def __init__(
        self,
        policy: Policy,
        screen: Screen,
        perform: Callable[[Command], None],
        deadline_alarm: Alarm,
        warning_alarm: Alarm,
        fresh: Callable[[], s.ReceptionId],
        kiosk: s.Kiosk | None = None,
    ) -> None:
        self._policy = policy
        self._screen = screen
        self._perform = perform
        self._deadline = deadline_alarm
        self._warning = warning_alarm
        self._fresh = fresh
        self._kiosk = kiosk or s.Kiosk(language=policy.languages[0])
        self._extensions = 0
        self._applying = False
        self.watchers: list[Callable[[Change], None]] = []

    @property
    def kiosk(self) -> s.Kiosk:
        return self._kiosk

    def show(self) -> None:
        """Show the page of the present state again."""
        page = view(self._kiosk, self._policy)
        self._screen.present(replace(page, actions=tuple(self._with_fresh_id(action) for action in page.actions)))

    def apply(self, event: e.Event) -> None:
        if self._applying:
            raise RuntimeError("an event was applied while another one was")
        self._applying = True
        try:
            before = self._kiosk
            transition = step(before, event, self._policy)
            self._kiosk = transition.kiosk
            for command in transition.commands:
                self._perform(command)
            self._set_alarms(before.state, event)
            if transition.kiosk != before:
                self.show()
            change = Change(before.state, event, transition.kiosk.state)
            for watcher in self.watchers:
                watcher(change)
        finally:
            self._applying = False

    def _set_alarms(self, before: s.State, event: e.Event) -> None:
        """A new page starts its time anew; progress, hints and help do not."""
        state = self._kiosk.state
        if isinstance(event, e.LanguageChosen) and isinstance(state, s.Idle):
            # Whoever chose it and went away must not leave it to the next one.
            self._deadline.set(self._policy.page_seconds, self._default_language)
            return
        if isinstance(event, e.MoreTime):
            if self._extensions >= self._policy.extensions:
                return
            self._extensions += 1
        elif isinstance(event, e.DeadlinePassed) or not _same_page(before, state):
            self._extensions = 0
        else:
            return
        self._screen.clear_warning()
        self._warning.clear()
        seconds = deadline(state, self._policy)
        if seconds is None:
            self._deadline.clear()
            return
        self._deadline.set(seconds, self._time_over)
        ahead = self._policy.warn_seconds
        if extendable(state) and seconds > ahead:
            self._warning.set(seconds - ahead, self._warn)

    def _time_over(self) -> None:
        self.apply(e.DeadlinePassed())

    def _default_language(self) -> None:
        self.apply(e.LanguageChosen(self._policy.languages[0]))
        self._deadline.clear()

    def _warn(self) -> None:
        self._screen.warn(int(self._policy.warn_seconds))

    def _with_fresh_id(self, action: Action) -> Action:
        """The domain makes no random numbers: the second door's reception gets its id here."""
        if isinstance(action.event, e.NoCardChosen | e.LookupWanted):
            return replace(action, event=type(action.event)(self._fresh()))
        return action


def _same_page(before: s.State, after: s.State) -> bool:
    """Did only a detail change (bytes read, a hint, the certificate arriving)?"""
    if type(before) is not type(after):
        return False
    match before, after:
        case s.ReadingPhoto(), s.ReadingPhoto():
            return before.job == after.job
        case s.Scanning(), s.Scanning():
            return True
        case s.Looking(), s.Looking():
            return before.job == after.job
        case s.Choosing(), s.Choosing():
            return before.visit.reception == after.visit.reception
        case s.Sending(), s.Sending():
            return before.job == after.job
        case s.HandingOff(), s.HandingOff():
            return before.job == after.job
        case _:
            return before == after
