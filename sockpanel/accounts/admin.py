"""People in Django's admin: a role each; Django's own groups and flags are not used."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest

from sockpanel.accounts.models import Token, User
from sockpanel.accounts.people import is_last_admin

admin.site.unregister(Group)
admin.site.site_header = "Sockpanel"
admin.site.site_title = "Sockpanel"
admin.site.site_url = "/servers/"


class TokensInline(admin.TabularInline):
    """A person's tokens: seen and revoked here, made by `manage.py token create`."""

    model = Token
    extra = 0
    readonly_fields = ("created_at", "used_at")

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
        left = User.objects.filter(role=User.Role.ADMIN, is_active=True).exclude(pk__in=queryset.values("pk"))
        if not left.exists():
            raise PermissionDenied("One admin has to stay: leave one out of the selection.")
        super().delete_queryset(request, queryset)
