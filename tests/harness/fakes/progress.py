"""A `harness.run.pool.Progress` that says nothing."""


class Quiet:
    def stage(self, name, total):
        pass

    def ended(self, case, outcome, reason, *, final):
        pass

    def update(self, status):
        pass

    def step(self, what):
        pass

    def note(self, text):
        pass
