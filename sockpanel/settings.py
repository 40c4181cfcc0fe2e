"""Django's settings for Sockpanel. Everything a person may set is an environment variable, listed in the README."""

import os
import sys
from datetime import timedelta
from pathlib import Path

from services.errors import SettingRefused
from sockpanel import data_directory, environment, logs

BASE_DIR = Path(__file__).resolve().parent.parent

try:
    SOCKPANEL_DATA_DIR = data_directory.choose("SOCKPANEL_DATA_DIR", BASE_DIR / "var")
    SOCKPANEL_HOST = environment.address("SOCKPANEL_HOST", "127.0.0.1")
    SOCKPANEL_PORT = environment.port("SOCKPANEL_PORT", 8000)
    SOCKPANEL_ORIGINS = environment.origins("SOCKPANEL_ORIGINS")
    SOCKPANEL_PROXIES = environment.proxies("SOCKPANEL_PROXIES")
    SOCKPANEL_TARGETS = environment.networks("SOCKPANEL_TARGETS")
    SOCKPANEL_TLS = environment.tls("SOCKPANEL_TLS_CERT", "SOCKPANEL_TLS_KEY")
    SOCKPANEL_REMOTE_COMMANDS = environment.choice("SOCKPANEL_REMOTE_COMMANDS", "allowed", ("allowed", "off"))
    SOCKPANEL_COMMAND_USER = environment.command_user("SOCKPANEL_COMMAND_USER", (65_534, 65_534))
    SOCKPANEL_NODE = environment.slug("SOCKPANEL_NODE", "local")
    SOCKPANEL_HISTORY_BYTES = environment.size("SOCKPANEL_HISTORY_BYTES", "10GiB", least=2**24)
    SECRET_KEY = data_directory.secret_key("SOCKPANEL_SECRET_KEY", SOCKPANEL_DATA_DIR)
    DEBUG = environment.flag("SOCKPANEL_DEBUG")
    SOCKPANEL_INSECURE = environment.flag("SOCKPANEL_INSECURE")
    LANGUAGE_CODE = environment.choice("SOCKPANEL_LANGUAGE", "en", ("en",))
    _database_url = environment.text("DATABASE_URL")
    _messages_url = environment.text("MESSAGES_DATABASE_URL", _database_url)
    REDIS_URL = environment.redis("REDIS_URL")
    DATABASES = {
        "default": environment.postgresql("DATABASE_URL", _database_url)
        if _database_url
        else environment.sqlite(SOCKPANEL_DATA_DIR / "control.sqlite3"),
        "messages": environment.postgresql("MESSAGES_DATABASE_URL", _messages_url)
        if _messages_url
        else environment.sqlite(SOCKPANEL_DATA_DIR / "messages.sqlite3"),
    }
except SettingRefused as refused:
    sys.stderr.write(f"{refused.message}\n")
    sys.exit(os.EX_CONFIG)

ALLOWED_HOSTS = ["*"]  # the border (sockpanel.border) checks Host exactly, port and all, on every request and upgrade

INSTALLED_APPS = [
    "sockpanel.panel.Panel",  # its runserver is daphne's; with "daphne" in this list every command would load Twisted
    "sockpanel.accounts.admin_app.Admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "axes",
    "sockpanel.accounts.apps.Accounts",
    "services.apps.Services",
]

MIDDLEWARE = [
    "sockpanel.headers.headers_middleware",
    "django.middleware.security.SecurityMiddleware",
    "sockpanel.files.Files",
    "sockpanel.accounts.keeping.Sessions",
    "django.middleware.common.CommonMiddleware",
    "sockpanel.accounts.csrf.Csrf",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "sockpanel.auditing.audit_middleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
    "sockpanel.problems.ProblemsMiddleware",
    "sockpanel.accounts.confirming.Asking",
    "sockpanel.accounts.gate.gate_middleware",
]

ROOT_URLCONF = "sockpanel.urls"
ASGI_APPLICATION = "sockpanel.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

DATABASE_ROUTERS = ["services.routers.TwoDatabases"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
if REDIS_URL:
    CHANNEL_LAYERS = {
        "default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [REDIS_URL]}}
    }
else:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "services.bus.LocalChannelLayer",
            "CONFIG": {"directory": str(SOCKPANEL_DATA_DIR / "bus")},
        }
    }

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [  # asked in this order
    "axes.backends.AxesStandaloneBackend",
    "sockpanel.accounts.locking.Refusing",
    "django.contrib.auth.backends.ModelBackend",
    "sockpanel.accounts.locking.Counting",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
PASSWORD_HASHERS = ["sockpanel.accounts.hashing.Scrypt"]
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/servers/"

# Guessing: sockpanel.accounts.throttle
AXES_HANDLER = "sockpanel.accounts.throttle.Throttle"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=5)
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_USERNAME_CALLABLE = "sockpanel.accounts.throttle.name_of"
AXES_CLIENT_IP_CALLABLE = "sockpanel.accounts.throttle.address_of"
AXES_LOCKOUT_CALLABLE = "sockpanel.accounts.throttle.locked_out"
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False

SIGNED_COOKIE_LEGACY_SALT_FALLBACK = False

# Sessions and cookies. Cookies know no port: the name tells this panel from another one on the same host.
_secure = bool(SOCKPANEL_TLS) or bool(
    SOCKPANEL_PROXIES and SOCKPANEL_ORIGINS and all(origin.startswith("https:") for origin in SOCKPANEL_ORIGINS)
)
SESSION_ENGINE = "sockpanel.accounts.keeping"
_prefix, _install = "__Host-" if _secure else "", data_directory.install_id(SOCKPANEL_DATA_DIR)
SESSION_COOKIE_NAME = f"{_prefix}sp_{_install}"
SESSION_COOKIE_AGE = 24 * 60 * 60
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Strict"
SESSION_COOKIE_SECURE = _secure
CSRF_USE_SESSIONS = True  # of who is signed in; sockpanel.accounts.csrf says what others get
CSRF_COOKIE_NAME = f"{_prefix}csrf_{_install}"
CSRF_COOKIE_SECURE = _secure
CSRF_TRUSTED_ORIGINS = SOCKPANEL_ORIGINS
CSRF_FAILURE_VIEW = "sockpanel.problems.csrf_refused"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
SECURE_SSL_REDIRECT = _secure
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]  # a probe on the machine itself speaks plain HTTP
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if _secure else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SILENCED_SYSTEM_CHECKS = [
    "security.W003",  # Django knows its own CSRF middleware by name; sockpanel.accounts.csrf is a subclass, and a test holds that
    "security.W005",  # HSTS speaks for this host alone: what else runs in its domain is not ours to decide
    "security.W021",  # the same
]

TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True
LANGUAGES = [("en", "English")]

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / ".build" / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "sockpanel.vendor.VendorFinder",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "sockpanel.collected.CollectedStatic"},
}
WHITENOISE_USE_FINDERS = DEBUG or not (STATIC_ROOT / "staticfiles.json").exists()
WHITENOISE_ALLOW_ALL_ORIGINS = False  # no other origin has any business with our files
SOCKPANEL_NODE_MODULES = BASE_DIR / "node_modules"

LOGGING = logs.LOGGING
