# conftest.py
import os

import pytest

PROXY = os.environ.get("HARMOCK_PROXY_URL", "@PROXY@")
BUNDLE = os.environ.get("HARMOCK_CA_BUNDLE", @BUNDLE@)


@pytest.fixture(scope="session", autouse=True)
def harmock():
    """Leads requests, httpx and urllib through the proxy, and makes them trust it."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            patch.setenv(name, PROXY)
            patch.setenv(name.upper(), PROXY)
        for name in ("no_proxy", "NO_PROXY"):
            patch.delenv(name, raising=False)
        for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
            patch.setenv(name, BUNDLE)
        yield PROXY
