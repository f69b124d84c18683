"""The process of a server that a test may kill: `serve_until_killed.py PORT DATABASE_URL`."""

from __future__ import annotations

import logging
import os
import sys

import structlog
import uvicorn

from rocket_server.app import create_app
from rocket_server.config.settings import Settings

if __name__ == "__main__":
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    uvicorn.run(
        create_app(Settings.from_environ(os.environ), sys.argv[2]),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
