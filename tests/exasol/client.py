"""Does with pyexasol what tests/exasol.rs asks for: a JSON request a line in, a JSON answer a line out."""

import json
import sys
import threading
import time
import traceback

import pyexasol

# As in a driver's settings: a few tries, soon after each other.
TRIES = 5
PAUSE = 0.05
# For the last rounds of a crowd, in seconds.
PATIENCE = 60


class Crowd:
    """Clients that come, work and go until they are told to stop; each tries again when it is cut off."""

    def __init__(self, dsn, clients):
        self.dsn = dsn
        self.stop = threading.Event()
        self.lock = threading.Lock()
        self.done = 0
        self.cut_off = 0
        self.given_up = []
        self.threads = [threading.Thread(target=self.client, daemon=True) for _ in range(clients)]
        for thread in self.threads:
            thread.start()

    def client(self):
        while not self.stop.is_set():
            for attempt in range(TRIES):
                try:
                    self.work()
                    with self.lock:
                        self.done += 1
                    break
                except Exception as error:
                    with self.lock:
                        self.cut_off += 1
                        if attempt == TRIES - 1:
                            self.given_up.append(repr(error))
                    time.sleep(PAUSE)

    def work(self):
        session = connect(self.dsn)
        try:
            assert session.execute("SELECT 1").fetchval() == 1
            rows = session.export_to_list("SELECT * FROM VALUES BETWEEN 1 AND 50")
            assert len(rows) == 50
        finally:
            session.close()

    def end(self):
        """Whoever does not come home is given up, and where they stand is told."""
        self.stop.set()
        deadline = time.monotonic() + PATIENCE
        for thread in self.threads:
            thread.join(max(0, deadline - time.monotonic()))
        frames = sys._current_frames()
        for thread in threading.enumerate():
            if any(client.is_alive() for client in self.threads) and thread.ident in frames:
                stack = traceback.format_stack(frames[thread.ident])
                self.given_up.append(f"{thread.name} stands at {''.join(stack)}")

    def report(self):
        with self.lock:
            return {"done": self.done, "cut_off": self.cut_off, "given_up": self.given_up}


def connect(dsn):
    return pyexasol.connect(dsn=dsn, user="sys", password="exasol", schema="")


def answer(request, sessions, crowds):
    what, name = request["do"], request.get("session")
    if what == "connect":
        sessions[name] = connect(request["dsn"])
        return sessions[name].execute("SELECT IPROC()").fetchval()
    if what == "value":
        return sessions[name].execute(request["sql"]).fetchval()
    if what == "rows":
        return len(sessions[name].execute(request["sql"]).fetchall())
    if what == "run":
        return sessions[name].execute(request["sql"]).rowcount()
    if what == "import":
        rows = ((number, f'row "{number}", of many') for number in range(request["rows"]))
        sessions[name].import_from_iterable(rows, request["table"])
        return sessions[name].last_statement().rowcount()
    if what == "export":
        return len(sessions[name].export_to_list(request["table"]))
    if what == "hosts":
        return len(sessions[name].get_nodes())
    if what == "close":
        sessions.pop(name).close()
        return None
    if what == "crowd":
        crowds.append(Crowd(request["dsn"], request["clients"]))
        return None
    if what == "crowd report":
        return crowds[-1].report()
    if what == "crowd end":
        crowds[-1].end()
        return crowds[-1].report()
    raise ValueError(what)


def main():
    sessions, crowds = {}, []
    for line in sys.stdin:
        try:
            said = {"ok": answer(json.loads(line), sessions, crowds)}
        except Exception as error:
            said = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(said), flush=True)


main()
