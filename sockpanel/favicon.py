"""`/favicon.ico`: the panel's picture, for browsers that ask for it by themselves. Open to everybody, as static files are."""

from django.http import HttpRequest, HttpResponseRedirect
from django.templatetags.static import static
from django.views.decorators.http import require_safe


@require_safe
def favicon(request: HttpRequest) -> HttpResponseRedirect:
    """Where the picture is."""
    return HttpResponseRedirect(static("img/sockpanel.svg"))
