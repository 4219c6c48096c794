"""The WSGI entry point: `granian --interface wsgi wsgi:app`, `flask --app wsgi …`."""

from app import create_app
from config import Settings

app = create_app(Settings.from_env())
