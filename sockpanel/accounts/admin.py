"""People in Django's admin: a role each; Django's own groups and flags are not used. What is done here stands in the audit."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from services import audit
from sockpanel.accounts import people, setup
from sockpanel.accounts.models import Token, User
from sockpanel.accounts.people import is_last_admin

admin.site.unregister(Group)
admin.site.site_header = "Sockpanel"
admin.site.site_title = "Sockpanel"
admin.site.site_url = "/servers/"


# Fields whose old and new value is told; a password is not
RECORDED = ("username", "role", "is_active", "first_name", "last_name", "email")


class TokensInline(admin.TabularInline):
    """A person's tokens: seen and revoked here, made by `manage.py token create`."""

    model = Token
    extra = 0
    readonly_fields = ("name", "scope", "created_at", "expires_at", "used_at")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(User)
class PeopleAdmin(UserAdmin):
    """The last admin keeps the role: nobody else could give it back."""

    list_display = ("username", "role", "is_active", "last_login")
    list_filter = ("role", "is_active")
    ordering = ("username",)
    filter_horizontal = ()
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("username", "password", "role", "is_active")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (None, {"classes": ("wide",), "fields": ("username", "role", "usable_password", "password1", "password2")}),
    )

    def get_inlines(self, request: HttpRequest, obj: User | None = None) -> Any:
        return () if obj is None else (TokensInline,)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return (*fields, "role", "is_active") if obj is not None and is_last_admin(obj) else fields

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not (obj is not None and is_last_admin(obj))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        with _one_admin_stays():
            gone = list(queryset)
            super().delete_queryset(request, queryset)
            for user in gone:
                audit.record("user.delete", _who(request), what=user.username, old={"role": user.role})

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        with _one_admin_stays():
            super().delete_model(request, obj)
            audit.record("user.delete", _who(request), what=obj.username, old={"role": obj.role})

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        with _one_admin_stays():
            super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """The tokens, too; told once all is done, for from then on other entries have to wait."""
        super().save_related(request, form, formsets, change)
        fields = [field for field in form.changed_data if field in RECORDED]
        old = {field: form.initial.get(field) for field in fields} if change else None
        new = {field: getattr(form.instance, field) for field in fields}
        who, name = _who(request), form.instance.username
        audit.record("user.change" if change else "user.add", who, what=name, old=old, new=new)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        super().save_formset(request, form, formset, change)
        for token in formset.deleted_objects:
            audit.record("token.revoke", _who(request), what=f"{token.user.username}: {token.name}")

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """Of somebody else."""
        with transaction.atomic():
            response = super().user_change_password(request, id, form_url)
            if response.status_code == HTTPStatus.FOUND:
                user = User.objects.filter(pk=id).first()
                audit.record("user.password", _who(request), what=user.username if user else "")
        return response


@contextmanager
def _one_admin_stays() -> Iterator[None]:
    """What is done within is undone when nobody is an admin after it. Others wait: two admins could each remove the other."""
    with transaction.atomic():
        setup.hold_others()
        yield
        if not people.admins():
            raise PermissionDenied("One admin has to stay: make somebody else one first.")


def _who(request: HttpRequest) -> str:
    return str(request.user.get_username())
