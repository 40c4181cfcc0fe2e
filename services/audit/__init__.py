"""Who did what, from where, when: one chain of entries in the control database, each with the hash of the one before.

audit.record("server.start", "ada", server="lab")       # inside of the transaction that does it: both are written, or neither
audit.origin.set(audit.Origin("api", "192.0.2.7"))       # whoever answers a request says where it came from
audit.refused("otto", "POST /servers/lab/", "SP-1005")    # the same one once a minute at the most

It decides nothing: who may do what is decided elsewhere. An entry that cannot be written raises, and then the deed is not done.
"""

from services.audit.origin import Origin, came, coming_as, coming_from, origin, restoring, with_token
from services.audit.refusals import refused
from services.audit.writing import record

__all__ = ["Origin", "came", "coming_as", "coming_from", "origin", "record", "refused", "restoring", "with_token"]
