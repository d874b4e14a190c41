"""Places without a network: each machine does what it is asked in this process."""

import json
import threading

from harness.places.request_handlers import describe, perform
from harness.places.transport import MachineLost


class FakeLink:
    """Machines by address; what one says of itself may be changed, and it may be lost before or after an action."""

    def __init__(self, **machines):
        """Each by its address: what differs from this machine's own description."""
        self.own = describe()
        self.about = {name: {**self.own, "name": name, "host": name, **other} for name, other in machines.items()}
        self.there = dict.fromkeys(machines, 4)
        self.asked = []
        self.lost_at = {}
        """Address → the action at which the machine is lost."""
        self.answers = {}
        """(address, action) → a function of the answer that is given in place of it."""
        self.lock = threading.Lock()

    def machines(self):
        return dict(self.there)

    def describe(self, addresses):
        return {address: self.about[address] for address in addresses}

    def ask(self, address, request, content=b""):
        action = json.loads(request)["action"]
        with self.lock:
            self.asked.append((address, action))
        if address not in self.there or self.lost_at.get(address) == action:
            self.there.pop(address, None)
            raise MachineLost(f"{address} is gone")
        answer = perform(request, content)
        change = self.answers.get((address, action))
        return json.dumps(change(json.loads(answer))) if change else answer

    def close(self):
        self.there = {}
