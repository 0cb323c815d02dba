# SPDX-License-Identifier: GPL-2.0-only
"""Debian's Chromium, without a window and without a network, to look at pages."""

import contextlib
import json
import logging

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars")


class Browser:
    """One page at a time; what it asked for and what it complained about since the last look."""

    def __init__(self, driver):
        self.driver = driver

    def open(self, path):
        self.requests()
        self.complaints()
        self.driver.get(path.as_uri())

    def run(self, script, *arguments):
        """The value of JavaScript: "return ..." """
        return self.driver.execute_script(script, *arguments)

    def complaints(self):
        """Lines of the console."""
        return [one["message"] for one in self.driver.get_log("browser")]

    def requests(self):
        """Addresses that the page asked for."""
        events = (json.loads(one["message"])["message"] for one in self.driver.get_log("performance"))
        return [one["params"]["request"]["url"] for one in events if one["method"] == "Network.requestWillBeSent"]

    def prefer(self, theme):
        """As if the system were set to light or dark."""
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia",
                                    {"features": [{"name": "prefers-color-scheme", "value": theme}]})

    def size(self, width, height, scale=1):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                    {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": False})

    def picture(self, path):
        self.driver.save_screenshot(str(path))


@contextlib.contextmanager
def browser(directory):
    """@directory: an empty one, for what Chromium keeps."""
    logging.getLogger("selenium").setLevel(logging.WARNING)
    options = Options()
    options.binary_location = "/usr/bin/chromium"
    for flag in (*FLAGS, f"--user-data-dir={directory}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
    driver.set_page_load_timeout(120)
    try:
        yield Browser(driver)
    finally:
        driver.quit()
