"""Servers in Django's admin. Everything goes through the same doors as pages and API: services.operations.

Messages and what else has a composite key cannot be registered here.
"""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms.fields import InvalidJSONInput
from django.http import HttpRequest, HttpResponse

from services import numbers, operations
from services.errors import ConfigurationRefused, SockpanelError
from services.models import Server
from services.servers.spec import TRANSPORTS

FIELDS = (
    *("name", "kind", "transport", "host", "port", "framing", "reply", "options", "limits", "tls"),
    *("restart", "autostart", "retention", "node", "notes"),
)


class ShortJSON(forms.JSONField):
    """JSON of a configuration. What is longer, or deeper than Python's parser goes, is none."""

    MOST = 20_000  # characters

    def to_python(self, value: Any) -> Any:
        try:
            if isinstance(value, str) and len(value) > self.MOST:
                raise forms.ValidationError(f"It is longer than {self.MOST:,} characters: shorten it.")
            return super().to_python(value)
        except RecursionError:
            raise forms.ValidationError("It is nested too deeply: write it flatter.") from None

    def bound_data(self, data: Any, initial: Any) -> Any:
        """What was sent, for the form to show again."""
        try:
            return super().bound_data(data, initial)
        except RecursionError:
            return InvalidJSONInput(data)


class Digits(forms.IntegerField):
    """A number as pages and API take it: Django's own takes `1_0` and other scripts' digits, too."""

    def to_python(self, value: Any) -> int | None:
        if isinstance(value, str) and value and numbers.signed(value) is None:
            raise forms.ValidationError("It is no whole number: write it in digits.")
        return super().to_python(value)


class ServerForm(forms.ModelForm):
    """Validates by doing: only the operation knows whether a running server's new address can be had."""

    who = ""  # set by ServerAdmin for each request

    class Meta:
        model = Server
        fields = FIELDS
        field_classes = {
            "port": Digits,
            **dict.fromkeys(("framing", "reply", "options", "limits", "tls", "retention"), ShortJSON),
        }
        widgets = {
            "transport": forms.Select(choices=[(name, name) for name in sorted({*sum(TRANSPORTS.values(), ())})]),
            "notes": forms.Textarea(attrs={"rows": 3}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, initial in (("host", "127.0.0.1"), ("port", 0)):
            if name in self.fields:
                self.fields[name].required = False
                self.fields[name].initial = initial

    def clean(self) -> dict[str, Any]:
        words = dict(self.cleaned_data)
        if self.errors:
            return words
        try:
            if self.instance.pk is None:
                self.instance = operations.create(words, self.who)
            elif self.has_changed():
                self.instance = operations.change(self.instance, words, self.who)
        except ConfigurationRefused as error:
            for field, sentence in error.problems.items():
                self._refuse(field.partition(".")[0], sentence)
        except SockpanelError as error:
            self._refuse(error.field, error.message)
        return words

    def _refuse(self, field: str, sentence: str) -> None:
        self.add_error(field if field in self.fields else None, sentence)

    def _post_clean(self) -> None:
        """Nothing: the operation has written the row."""

    def save(self, commit: bool = True) -> Server:
        """The row as the operation wrote it."""
        return self.instance

    def save_m2m(self) -> None:
        """There is nothing of that sort."""


@admin.register(Server)
class ServerAdmin(admin.ModelAdmin):
    form = ServerForm
    list_display = ("name", "kind", "transport", "host", "port", "wanted", "autostart", "node")
    list_filter = ("kind", "wanted", "node")
    search_fields = ("name", "notes")
    readonly_fields = ("wanted",)
    actions = ("start", "stop", "restart")

    def get_form(self, request: HttpRequest, obj: Server | None = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        form.who = request.user.get_username()
        return form

    def save_model(self, request: HttpRequest, obj: Server, form: Any, change: bool) -> None:
        """Done by the form."""

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Without Django's transaction around it: the supervisor must see the row that the operation waits for."""
        return self._changeform_view(request, object_id, form_url, extra_context)  # type: ignore[attr-defined]

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """The same."""
        return self._delete_view(request, object_id, extra_context)  # type: ignore[attr-defined]

    def delete_model(self, request: HttpRequest, obj: Server) -> None:
        operations.remove(obj, request.user.get_username())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Server]) -> None:
        for server in queryset:
            operations.remove(server, request.user.get_username())

    @admin.action(description="Start the selected servers")
    def start(self, request: HttpRequest, queryset: QuerySet[Server]) -> None:
        self._each(request, queryset, operations.start, "asked to start")

    @admin.action(description="Stop the selected servers")
    def stop(self, request: HttpRequest, queryset: QuerySet[Server]) -> None:
        self._each(request, queryset, operations.stop, "asked to stop")

    @admin.action(description="Restart the selected servers")
    def restart(self, request: HttpRequest, queryset: QuerySet[Server]) -> None:
        self._each(request, queryset, operations.restart, "asked to restart")

    def _each(
        self, request: HttpRequest, queryset: QuerySet[Server], do: Callable[[Server, str], int], done: str
    ) -> None:
        for server in queryset:
            try:
                do(server, request.user.get_username())
            except SockpanelError as error:
                self.message_user(request, f"{server.name}: {error.message}", messages.ERROR)
            else:
                self.message_user(request, f"{server.name}: {done}.")
