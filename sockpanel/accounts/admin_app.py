"""Django's admin as an app, with our site (sockpanel.accounts.site), which guards its pages. It loads no model."""

from django.contrib.admin.apps import AdminConfig


class Admin(AdminConfig):
    default_site = "sockpanel.accounts.site.Site"
