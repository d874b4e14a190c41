"""Stands for WebKitWebDriver: `--port=N`, and the commands of the protocol that are used. Started as a program.

`FAKE_WEBDRIVER` holds, as JSON, `answers` (operation → what the page answers), `absent` (how often a page's `harness`
is not there yet), `gpu` (the text of its page about the GPU), `refuse` (a session is not started) and `dies` (operation
→ tab, browser, driver or network: a process beside the tab's, of whose end nobody tells). What it was asked goes to the
file that `log` names, a line of JSON each.
"""

import json
import os
import signal
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

SCRIPT = json.loads(os.environ["FAKE_WEBDRIVER"])
STATE = {"windows": ["first"], "at": "first", "made": 0, "dead": "", "absent": SCRIPT.get("absent", 0)}


def answer(method, path, body):
    """The status and value of one command."""
    command = path.split("/", 3)[3] if path.count("/") > 2 else ""
    if path == "/status":
        return 200, {"ready": True}
    if path == "/session":
        if SCRIPT.get("refuse"):
            return 500, {"error": "session not created", "message": "Failed to create session"}
        network = Path(SCRIPT["log"]).with_name("WebKitNetworkProcess")
        network.symlink_to("/bin/sleep")
        started = f"{network} 60 & echo $!; exec /bin/sleep 60"
        STATE["browser"] = subprocess.Popen(["/bin/sh", "-c", started], stdout=subprocess.PIPE)
        STATE["network"] = int(STATE["browser"].stdout.readline())
        return 200, {"sessionId": "s"}
    if STATE["dead"]:
        return 404, {"error": "invalid session id", "message": "session deleted because of page crash or hang."}
    if command == "window/new":
        STATE["made"] += 1
        STATE["windows"].append(f"window {STATE['made']}")
        return 200, {"handle": STATE["windows"][-1], "type": "window"}
    if command == "window":
        if method == "DELETE":
            STATE["windows"].remove(STATE["at"])
        elif method == "POST":
            STATE["at"] = body["handle"]
        return 200, STATE["at"] if method == "GET" else None
    if command == "url":
        return 200, None
    return executed(body)


def executed(body):
    if not body["args"]:  # whether the page is there, or its text
        if "innerText" in body["script"]:
            return 200, SCRIPT.get("gpu", "")
        STATE["absent"] -= 1
        return 200, STATE["absent"] < 0
    operation = body["args"][0]
    STATE["dead"] = SCRIPT.get("dies", {}).get(operation, "")
    if STATE["dead"] in ("browser", "driver"):
        STATE["browser"].kill()
    if STATE["dead"] == "driver":
        os._exit(1)
    if STATE["dead"] == "network":
        os.kill(STATE["network"], signal.SIGKILL)
        time.sleep(60)
    if STATE["dead"]:
        return 500, {"error": "unknown error", "message": ""}
    return 200, json.dumps(SCRIPT["answers"][operation])


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = json.loads(content) if content else {}
        with Path(SCRIPT["log"]).open("a") as log:
            log.write(json.dumps([self.command, self.path, body]) + "\n")
        status, value = answer(self.command, self.path, body)
        reply = json.dumps({"value": value}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    do_POST = do_DELETE = do_GET

    def log_message(self, *_):
        pass


HTTPServer(("127.0.0.1", int(sys.argv[1].partition("=")[2])), Handler).serve_forever()
