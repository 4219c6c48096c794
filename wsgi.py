"""The WSGI entry point: `granian --interface wsgi wsgi:app`, `flask --app wsgi …`."""

from app import create_app
from config import ConfigError, Settings
from deploy.kernel import spread_futexes
from jobs.runtime import spare_collector

try:
    app = create_app(Settings.from_env())
except ConfigError as error:
    raise SystemExit(str(error)) from None
spare_collector()
spread_futexes()
