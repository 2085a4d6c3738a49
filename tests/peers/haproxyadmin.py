"""Reads all that haproxyadmin offers of a process, then changes it; a line each: what, a tab, the value."""

import inspect
import sys

from haproxyadmin import backend, frontend, haproxy, server

LATER = {"clearcounters", "disable", "enable", "shutdown"}
process = haproxy.HAProxy(socket_file=sys.argv[1], timeout=10)


def tell(what, ask):
    try:
        value = ask()
    except Exception as error:  # What it says of this is compared, too.
        value = repr(error)
    if isinstance(value, list):
        value = [getattr(item, "name", item) for item in value]
    for line in str(value).splitlines() or [""]:
        print(what, line, sep="\t")


def needs_nothing(method):
    parameters = list(inspect.signature(method).parameters.values())[1:]
    return all(parameter.default is not parameter.empty for parameter in parameters)


def read(what, thing, metrics):
    for name, member in inspect.getmembers(type(thing)):
        if name.startswith("_") or name in LATER:
            continue
        if isinstance(member, property):
            tell(f"{what} {name}", lambda: getattr(thing, name))
        elif callable(member) and needs_nothing(member):
            tell(f"{what} {name}()", getattr(thing, name))
    for name in metrics:
        tell(f"{what} metric {name}", lambda: thing.metric(name))


def set_to(thing, name, value):
    setattr(thing, name, value)
    return getattr(thing, name)


read("process", process, haproxy.HAPROXY_METRICS)
for one in process.frontends():
    read(f"frontend {one.name}", one, frontend.FRONTEND_METRICS)
for one in process.backends():
    read(f"backend {one.name}", one, backend.BACKEND_METRICS)
    for each in one.servers():
        read(f"server {one.name}/{each.name}", each, server.SERVER_METRICS)

s1 = process.server("s1", backend="be")[0]
fe = process.frontend("fe")
for state in ["drain", "ready", "maint", "ready", "disable", "enable"]:
    tell(f"setstate {state}", lambda: s1.setstate(state))
    tell("status", lambda: s1.status.split(" ")[0])
for weight in [20, "50%", "100%", 300]:
    tell(f"setweight {weight}", lambda: s1.setweight(weight))
    tell("weight", lambda: s1.weight)
tell("address", lambda: set_to(s1, "address", "127.0.0.2"))
tell("address", lambda: set_to(s1, "address", "127.0.0.1"))
port = s1.port
tell("port", lambda: set_to(s1, "port", 7))
tell("port again", lambda: set_to(s1, "port", port) == port)
tell("server.shutdown", s1.shutdown)
tell("frontend.setmaxconn", lambda: fe.setmaxconn(40))
tell("frontend.maxconn", lambda: fe.maxconn)
tell("frontend.disable", fe.disable)
tell("frontend.status", lambda: fe.status)
tell("frontend.enable", fe.enable)
tell("frontend.status", lambda: fe.status)
tell("setmaxconn", lambda: process.setmaxconn(60))
tell("maxconn", lambda: process.maxconn)
tell("setratelimitconn", lambda: process.setratelimitconn(30))
tell("ratelimitconn", lambda: process.ratelimitconn)
tell("setratelimitsess", lambda: process.setratelimitsess(20))
tell("ratelimitsess", lambda: process.ratelimitsess)
tell("clearcounters", process.clearcounters)
tell("clearcounters all", lambda: process.clearcounters(all=True))
tell("requests", lambda: process.requests)
tell("command", lambda: process.command("show cli level"))
tell("frontend.shutdown", fe.shutdown)
tell("frontend.status", lambda: process.frontend("fe").status)
