# harmock_chrome.py
import os

from selenium import webdriver

PROXY = os.environ.get("HARMOCK_PROXY_URL", "@PROXY@")
os.environ["no_proxy"] = os.environ["NO_PROXY"] = "localhost"  # Selenium speaks to chromedriver there
os.environ.setdefault("SE_OFFLINE", "true")  # chromedriver is on the PATH; Selenium need not ask the net for one


def options():
    """Those of a Chrome that asks the proxy for everything, localhost too."""
    options = webdriver.ChromeOptions()
    options.add_argument(f"--proxy-server={PROXY}")
    options.add_argument("--proxy-bypass-list=<-loopback>")
    options.accept_insecure_certs = True  # the browser need not know the certificate authority
    return options
