"""Runs haproxystats, which is of 2019, as it is, on a Python and a pandas of today.

What they have taken away since is given back here: asyncio.coroutine and waiting for coroutines that are
no tasks (both gone in Python 3.11), and in pandas columns that are not there being empty (gone in 1.0):
an HAProxy without zlib tells nothing of its memory."""

import asyncio
import sys
import types

asyncio.coroutine = types.coroutine
wait = asyncio.wait
asyncio.wait = lambda them, **how: wait([asyncio.ensure_future(one) for one in them], **how)

program = sys.argv.pop(1)
if program == "pull":
    from haproxystats.pull import main
else:
    from pandas.core.indexing import _LocIndexer

    _LocIndexer._getitem_iterable = lambda self, key, axis: self.obj.reindex(key, axis=axis)
    from haproxystats.process import main
main()
