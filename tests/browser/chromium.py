"""Find a Chromium to test with, or install one: ``python -m tests.browser.chromium``."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]


def find() -> str | None:
    """Return the path of a Chromium: ``CHROMIUM``, one on the PATH, or Playwright's own."""
    candidates = [os.environ.get("CHROMIUM"), *(shutil.which(name) for name in NAMES)]
    with sync_playwright() as playwright:
        candidates.append(playwright.chromium.executable_path)
    return next((path for path in candidates if path and os.path.exists(path)), None)


def has_japanese_font() -> bool:
    """Say whether Japanese text will show; assume so where fonts cannot be asked for."""
    if shutil.which("fc-list") is None:
        return True
    return bool(subprocess.run(["fc-list", ":lang=ja"], capture_output=True, check=False).stdout.strip())


def install() -> None:
    """Install Chromium and a Japanese font by apt as root, else Chromium by Playwright."""
    if shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0:
        print("==> ブラウザのテスト用に Chromium と日本語フォントを apt で入れます", flush=True)
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "-qq", "update"], check=False, env=quiet)
        packages = ["chromium", "fonts-noto-cjk"]
        subprocess.run(
            ["apt-get", "-qq", "-y", "install", *packages], check=False, env=quiet, stdout=subprocess.DEVNULL
        )
    else:
        print("==> ブラウザのテスト用に Chromium を Playwright で入れます", flush=True)
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)


if __name__ == "__main__":
    if find() is None or (not has_japanese_font() and hasattr(os, "geteuid") and os.geteuid() == 0):
        install()
    if find() is None:
        sys.exit(
            "Chromium が見つかりません。`apt install chromium fonts-noto-cjk`(Debian/Ubuntu)などで入れるか、"
            "環境変数 CHROMIUM に実行ファイルのパスを指定してください。"
        )
