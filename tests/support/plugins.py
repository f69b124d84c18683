"""Plugins installed for a test: a folder with a module and the metadata of a distribution that has it."""

from __future__ import annotations

import os
from pathlib import Path

# Handlers that do what no plugin should; each says the event's id to a file first, so that a test sees it.
NAUGHTY = '''
import asyncio, ctypes, os, subprocess, sys, time
from rocket_server.plugins.interface import Plugin, PluginHook

def note(event, what=""):
    with open(os.environ["HEARD_NAUGHTY"], "a") as heard:
        heard.write(f"{event.id} {os.getpid()} {what}\\n")

def raises(event):
    raise ValueError("not today")

def sleeps(event):
    time.sleep(3600)

def spins(event):
    while True:
        pass

async def waits(event):
    await asyncio.sleep(3600)

def holds(event):
    """Never lets another thread run: the GIL is held inside a C function."""
    ctypes.PyDLL(None).sleep(3600)

def leaks(event):
    hoard = []
    while True:
        hoard.append(b"x" * (1 << 20))
        time.sleep(0.0005)

def gulps(event):
    return len(b"x" * (64 << 30))

def exits(event):
    os._exit(7)

def leaves(event):
    sys.exit(7)

def crashes(event):
    ctypes.string_at(0)

def prints(event):
    print("a line on stdout")
    sys.stdout.flush()
    os.write(1, b'{"result": "forged"}\\n')
    return "printed"

def floods(event):
    while True:
        os.write(1, b"x" * 65536)

def spawns(event):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
    note(event, child.pid)
    time.sleep(3600)

hoard = []

def grows(event):
    hoard.append(b"x" * (20 << 20))
    return len(hoard)

def naps(event):
    time.sleep(2)

def fine(event):
    return event.context["userId"]

async def fine_too(event):
    await asyncio.sleep(0)
    return event.data

def database(event):
    return sorted(name for name in os.environ if name.endswith(("_URL", "_KEY", "_TOKEN", "_PASSWORD")))

HANDLERS = {
    "quiz": [raises, sleeps, spins, waits, holds, leaks, gulps, exits, leaves, crashes, prints, floods,
             spawns, grows, naps, fine, fine_too, database],
}

def noted(handler):
    def hook(event):
        note(event)
        return handler(event)
    return hook


def plugin():
    hooks = [PluginHook(f"quiz.{handler.__name__}", noted(handler)) for handler in HANDLERS["quiz"]]
    return Plugin("naughty", "Naughty", "1.0", hooks=hooks)
'''

GOOD = """
import os
from rocket_server.plugins.interface import Plugin, PluginHook

def hear(event):
    with open(os.environ["HEARD_GOOD"], "a") as heard:
        heard.write(f"{event.id} {event.name} {os.getpid()}\\n")
    return "heard"

plugin = Plugin("good", "Good", "1.0", hooks=[PluginHook("*", hear)])
"""


def install(folder: Path, module: str, source: str, *, entry_point: str = "plugin") -> None:
    """Put a module into a folder, as a distribution of the same name with the entry point of a plugin."""
    (folder / f"{module}.py").write_text(source)
    metadata = folder / f"{module}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[rocket.plugins]\n{module} = {module}:{entry_point}\n")


def environment(folder: Path) -> dict[str, str]:
    """What a process needs to find what is installed in a folder, and to say what its plugins heard."""
    return {
        "PYTHONPATH": f"{folder}{os.pathsep}{os.environ.get('PYTHONPATH', '')}".rstrip(os.pathsep),
        "HEARD_NAUGHTY": str(folder / "naughty.heard"),
        "HEARD_GOOD": str(folder / "good.heard"),
        "ROCKET_PLUGIN_ENVIRONMENT": "HEARD_*,ROCKET_DATABASE_*,NAUGHTY_TOKEN",
    }


def heard(folder: Path, module: str) -> list[list[str]]:
    """What a plugin heard: the words of each line."""
    file = folder / f"{module}.heard"
    return [line.split() for line in file.read_text().splitlines()] if file.exists() else []
