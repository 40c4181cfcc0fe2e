"""The stream server, as a real process."""

import asyncio

from services.servers.report import IN, OUT


async def test_echoes_what_it_reads_and_records_both_ways(serve):
    it = await serve(reply={"type": "echo"})
    reader, writer = await asyncio.open_connection(*it.address)
    writer.write(b"abc")
    assert await reader.readexactly(3) == b"abc"
    writer.close()
    await it.until(lambda: it.closed)
    assert [(row[3], row[4]) for row in it.messages] == [(IN, b"abc"), (OUT, b"abc")]
    assert await it.stop() == 0
    print(it.opened, it.closed, it.touched, it.counted, it.batches)
