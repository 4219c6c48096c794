"""The WSGI entry point: `granian --interface wsgi wsgi:app`, `flask --app wsgi …`."""

from app import create_app
from config import ConfigError, Settings

try:
    app = create_app(Settings.from_env())
except ConfigError as error:
    raise SystemExit(str(error)) from None
