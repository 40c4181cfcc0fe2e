"""A headless Chromium that is signed in to the panel."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Page, async_playwright

from tests.benchmarks.product import PASSWORD, USER, Product

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@asynccontextmanager
async def signed_in(product: Product) -> AsyncIterator[Page]:
    """A page behind the sign-in. Raises RuntimeError where there is no Chromium."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        raise RuntimeError("The benchmarks need Chromium: apt-get install chromium, then ./run bench again.")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        try:
            page = await browser.new_page()
            await page.goto(f"{product.base}/login/")
            await page.fill("input[name=username]", USER)
            await page.fill("input[name=password]", PASSWORD)
            await page.press("input[name=password]", "Enter")
            await page.wait_for_url("**/servers/")
            yield page
        finally:
            await browser.close()
