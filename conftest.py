"""What the project's own tests need of pytest; the suites need nothing but the plugin."""

pytest_plugins = ["pytester"]
