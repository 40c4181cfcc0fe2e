"""Words on stderr."""

from services.servers import notices


def test_one_line_whatever_strangers_sent_into_it(capsys):
    notices.tell("from \x1b[31m\n\u202e é")
    assert capsys.readouterr().err == "from \\x1b[31m\\n\\u202e é\n"
