"""Every page's address."""

from django.contrib import admin
from django.urls import include, path

from sockpanel.accounts.joining import join
from sockpanel.accounts.views import SignIn, SignOut, admin_sign_in, set_up
from sockpanel.favicon import favicon
from sockpanel.health import healthz

urlpatterns = [
    path("setup", set_up, name="setup"),
    path("invite/", join, name="invite"),
    path("login/", SignIn.as_view(), name="login"),
    path("logout/", SignOut.as_view(), name="logout"),
    path("healthz", healthz, name="healthz"),
    path("favicon.ico", favicon),
    path("admin/login/", admin_sign_in),
    path("admin/logout/", SignOut.as_view()),
    path("admin/", admin.site.urls),
    path("api/v1/", include("sockpanel.api.urls")),
    path("", include("sockpanel.pages.urls")),
]

handler400 = "sockpanel.problems.bad_request"
handler403 = "sockpanel.problems.forbidden"
handler404 = "sockpanel.problems.not_found"
handler500 = "sockpanel.problems.broken"
