"""What the supervisor and the nursery of workers say to each other, each in one message of a SOCK_SEQPACKET socket (unix(7)).

The nursery says READY, once. Then it answers each request, a JSON list of descriptor numbers, with the pid of a worker, in digits, or
with NO_WORKER. The descriptors come with the request (SCM_RIGHTS): the worker's stdin, its stderr, and one for each number.
"""

READY = b"ready"  # everything that most workers need is imported
NO_WORKER = b"0"  # the system forks no further process
MAX_DESCRIPTORS = 16
MAX_REQUEST, MAX_ANSWER = 1024, 32  # bytes
