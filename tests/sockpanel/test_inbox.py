"""What waits for an application."""

from sockpanel.inbox import FRAMES, Inbox


class Source:
    """A transport."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def pauseProducing(self) -> None:
        self.said.append("pause")

    def resumeProducing(self) -> None:
        self.said.append("resume")


async def test_nothing_more_is_read_while_many_frames_wait() -> None:
    source = Source()
    inbox = Inbox(source)
    for number in range(FRAMES - 1):
        inbox.put_nowait(number)
    assert source.said == []
    inbox.put_nowait("one more")
    inbox.put_nowait("that was read already")
    assert source.said == ["pause"]
    for _ in range(FRAMES // 2):
        await inbox.get()
    assert source.said == ["pause"]
    await inbox.get()
    assert source.said == ["pause", "resume"]


async def test_a_request_has_nothing_to_pause() -> None:
    inbox = Inbox()
    for number in range(10 * FRAMES):
        inbox.put_nowait(number)
    assert await inbox.get() == 0
