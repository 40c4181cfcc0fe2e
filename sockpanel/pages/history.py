"""What became of a server: the lives of its workers with their last words, and its moves from state to state."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from services import operations
from services.history import changes_of, runs_of
from sockpanel.pages.frame import page
from sockpanel.pages.server import header
from sockpanel.pages.states import STATES


@require_safe
def history(request: HttpRequest, name: str) -> HttpResponse:
    """The newest fifty of both."""
    found = operations.find(name)
    changes = [{**change, "shown": STATES[change["to"]]} for change in changes_of(found.pk)]
    return page(request, "history", header(found, "history") | {"runs": runs_of(found.pk), "changes": changes})
