"""Opens a page of a report in Chromium, by the DevTools protocol over a pipe, and fails if something is not as it should be.

    browser.py CHROMIUM PAGE [FOLDER]      at two widths, light and dark; with FOLDER, screenshots go there
"""

import base64
import json
import os
import pathlib
import select
import subprocess
import sys
import tempfile

# Seconds.
PATIENCE = 60
SIZES = {"desktop": (1280, 900), "phone": (360, 740)}
KEYS = {"Tab": 9, "Enter": 13, "Escape": 27, "ArrowRight": 39, "ArrowDown": 40, "ArrowUp": 38, "ArrowLeft": 37, "End": 35}


class Browser:
    """Chromium, without a window, and one page of it."""

    def __init__(self, chromium, profile):
        to_browser, self.write_end = os.pipe()
        self.read_end, from_browser = os.pipe()

        def take_pipes():
            # Chromium reads commands from 3 and writes to 4. Copied up first, so that neither overwrites the other.
            reading, writing = os.dup2(to_browser, 103), os.dup2(from_browser, 104)
            os.dup2(reading, 3)
            os.dup2(writing, 4)

        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]
        self.process = subprocess.Popen(
            [chromium, *arguments, "--remote-debugging-pipe", f"--user-data-dir={profile}", "about:blank"],
            preexec_fn=take_pipes, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self.buffer, self.number, self.session, self.events = b"", 0, None, []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def receive(self):
        while b"\0" not in self.buffer:
            if not select.select([self.read_end], [], [], PATIENCE)[0]:
                raise SystemExit(f"the browser said nothing for {PATIENCE} s")
            more = os.read(self.read_end, 1 << 20)
            if not more:
                raise SystemExit("the browser has ended")
            self.buffer += more
        message, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(message)

    def call(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write_end, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") != self.number:
                self.events.append(answer)
                continue
            if "error" in answer:
                raise SystemExit(f"{method}: {answer['error']}")
            return answer["result"]

    def open(self, url):
        self.events.clear()
        self.call("Page.navigate", url=url)
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self.receive())

    def evaluate(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise SystemExit(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def frames(self):
        """Waits until what was done is drawn."""
        self.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(done))))")

    def press(self, key, draws=True):
        named = {"key": key, "code": key, "windowsVirtualKeyCode": KEYS[key]}
        text = {"text": "\r"} if key == "Enter" else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", **named, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **named)
        if draws:
            self.frames()

    def media(self, scheme, motion="no-preference"):
        features = [{"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": motion}]
        self.call("Emulation.setEmulatedMedia", features=features)

    def size(self, width, height):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.frames()

    def shoot(self, file, whole=False):
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        pathlib.Path(file).write_bytes(base64.b64decode(shot["data"]))

    def wrong(self):
        """What the browser complained about, and what it asked for beyond the page."""
        found = []
        for event in self.events:
            method, params = event.get("method"), event.get("params", {})
            if method == "Runtime.exceptionThrown":
                found.append(str(params["exceptionDetails"]))
            elif method == "Runtime.consoleAPICalled":
                found.append(f"console: {params['args']}")
            elif method == "Log.entryAdded":
                found.append(f"{params['entry']['level']}: {params['entry']['text']}")
            elif method == "Network.requestWillBeSent" and params["type"] != "Document":
                if not params["request"]["url"].startswith("data:"):
                    found.append(f"request: {params['request']['url']}")
        return found


def must(holds, what):
    if not holds:
        raise SystemExit(f"not so: {what}")


def walk(browser):
    """Goes through the timeline by keyboard alone."""
    focused = "document.activeElement.getAttribute('aria-label') ?? ''"
    browser.evaluate("document.activeElement.blur()")
    for _ in range(200):
        browser.press("Tab", draws=False)
        if browser.evaluate("document.activeElement.getAttribute('role') === 'gridcell'"):
            break
    browser.frames()
    first = browser.evaluate(focused)
    must(first.startswith("Batch "), f"Tab leads into the timeline: {first!r}")
    must(browser.evaluate("getComputedStyle(document.activeElement).outlineStyle !== 'none'"), "the focus can be seen")
    must(browser.evaluate("!!document.querySelector('.tip:not([hidden]) li')"), "a focused batch shows its log")
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp", "End"):
        before = browser.evaluate(focused)
        browser.press(key)
        must(browser.evaluate(focused) != before or key == "ArrowLeft", f"{key} goes to another batch from {before!r}")
    cell = "document.activeElement.closest('.lanes').getBoundingClientRect()"
    inside = f"(() => {{ const a = {cell}, b = document.activeElement.getBoundingClientRect(); return b.left >= a.left && b.left < a.right && b.top >= a.top && b.bottom <= a.bottom }})()"
    must(browser.evaluate(inside), "the focused batch is scrolled to")
    label = browser.evaluate(focused)
    browser.press("Enter")
    opened = "[...document.querySelectorAll('.details')].find((each) => !each.hidden)"
    must(browser.evaluate(f"{opened}?.contains(document.activeElement)"), "Enter opens the details and goes there")
    must(browser.evaluate(f"{opened}.querySelector('h4').textContent") == label.split(",")[0], "of that batch")
    browser.press("Escape")
    must(not browser.evaluate(f"!!{opened}"), "Escape closes them")
    must(browser.evaluate(focused) == label, "and goes back to the batch")


def use(browser):
    """Goes through the timeline by mouse: hover, next failure, family tree."""
    browser.evaluate("[...document.querySelectorAll('button')].find((each) => each.textContent === 'Next failure').click()")
    browser.frames()
    browser.evaluate("document.activeElement.scrollIntoView({block: 'center', inline: 'center'})")
    browser.evaluate("document.activeElement.blur()")
    browser.frames()
    where = browser.evaluate(
        "(() => { const bar = document.querySelector('.batch[tabindex=\"0\"] .try').getBoundingClientRect();"
        " return [bar.left + bar.width / 2, bar.top + bar.height / 2] })()"
    )
    browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=where[0], y=where[1])
    browser.frames()
    must(browser.evaluate("document.querySelectorAll('.tip:not([hidden]) li').length > 0"), "hover shows the decision log")
    tip = "document.querySelector('.tip:not([hidden])').getBoundingClientRect()"
    must(browser.evaluate(f"(() => {{ const a = {tip}; return a.left >= 0 && a.right <= innerWidth && a.top >= 0 && a.bottom <= innerHeight }})()"), "the tip is within the window")
    browser.evaluate("[...document.querySelectorAll('.batch')].find((each) => each.batch.children.length > 1).click()")
    browser.frames()
    tree = "document.querySelectorAll('.details:not([hidden]) .tree li').length"
    must(browser.evaluate(tree) >= 3, "a batch that was split shows its family")
    must(browser.evaluate("document.querySelectorAll('.links path').length") >= 2, "and lines lead to its parts")


def main():
    chromium, page = sys.argv[1:3]
    folder = pathlib.Path(sys.argv[3]) if len(sys.argv) > 3 else None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(chromium, profile)
        try:
            look(browser, pathlib.Path(page).resolve(), folder)
        finally:
            browser.process.kill()
            browser.process.wait()


def look(browser, page, folder):
    grounds = set()
    for name, size in SIZES.items():
        for scheme in ("light", "dark"):
            browser.media(scheme)
            browser.size(*size)
            browser.open(page.as_uri())
            browser.frames()
            grounds.add(browser.evaluate("getComputedStyle(document.documentElement).backgroundColor"))
            widths = browser.evaluate("[document.documentElement.scrollWidth, innerWidth]")
            must(widths[0] <= size[0] and widths[1] == size[0], f"no sideways scrolling at {size[0]}: {widths}")
            if folder:
                browser.shoot(folder / f"{page.stem}-{name}-{scheme}.png")
                browser.shoot(folder / f"{page.stem}-{name}-{scheme}-whole.png", whole=True)
            if browser.evaluate("!!document.querySelector('.grid')"):
                walk(browser)
                use(browser)
                if folder:
                    browser.shoot(folder / f"{page.stem}-{name}-{scheme}-used.png")
            must(not browser.wrong(), browser.wrong())
    must(len(grounds) == 2, f"light and dark differ: {grounds}")
    browser.media("light", "reduce")
    moving = "[...document.querySelectorAll('*')].filter((each) => getComputedStyle(each).transitionDuration !== '0s').length"
    must(browser.evaluate(moving) == 0, "nothing moves where that is not wished for")
    browser.call("Emulation.setEmulatedMedia", media="print", features=[])
    must(browser.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)", "paper is white")
    print("as it should be")


if __name__ == "__main__":
    main()
